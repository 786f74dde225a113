"""Rows of the tables that keep members of stored Many, as steps: those of new owners, and what comes and goes.

Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from holdall.query import FieldSchema, Kind
from holdall.store import Members, Row
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.row_encoding import RowEncoding
from holdall.stores.sql.steps import Delete, Insert, PartSteps, Update

__all__ = ["MemberRows"]

_COUNTER = FieldSchema("position", Kind.INT)


class MemberRows:
    """Plans the rows of one store's members."""

    def __init__(self, store: str, encoding: RowEncoding) -> None:
        self._store = store
        self._encoding = encoding

    def insert(
        self,
        layout: Layout,
        link: Link,
        owners: Sequence[Row],
        many: Sequence[Iterable[tuple[int, Any]]],
        positions: Sequence[int],
    ) -> PartSteps:
        """Insert the rows of members, each given with its place in its list."""
        key_fields = tuple(layout.schema.by_name[name] for name in layout.schema.key)
        is_listed = link.position is not None
        rows, origins = _linked(owners, many, positions)
        rows = [(*own, target, place) if is_listed else (*own, target) for *own, (place, target) in rows]
        if not rows:
            return
        fields = (*key_fields, _target(link), *((_COUNTER,) if is_listed else ()))
        columns = tuple(leaf.name for leaf in (*link.owner, *link.target)) + ((link.position,) if link.position else ())
        encoded = self._encoding.rows(layout, fields, rows)
        step = Insert(layout.schema.name, link.table, columns, encoded, origins)
        step.demand_all(self._store, (yield step))

    def change(
        self, layout: Layout, link: Link, owners: Sequence[Row], many: Sequence[Members], positions: range
    ) -> PartSteps:
        """Remove the rows of members that go, and insert those that come: others may have done either already."""
        match = tuple(leaf.name for leaf in (*link.owner, *link.target))
        fields = (*(layout.schema.by_name[name] for name in layout.schema.key), _target(link))
        name = layout.schema.name
        changed = [(*members.gone, *members.come) for members in many]
        rows, origins = _linked(owners, changed, positions)
        if rows:
            encoded = self._encoding.rows(layout, fields, rows)
            yield Delete(name, link.table, match, encoded, origins, is_exact=False)
        if link.position is not None:  # those behind one that goes move up, so that the next stands behind them all
            moved = [enumerate(members[: -len(members.come) or None] if members.gone else ()) for members in many]
            rows, origins = _linked(owners, moved, positions)
            if rows:
                placed = [(place, *own, target) for *own, (place, target) in rows]
                encoded = self._encoding.rows(layout, (_COUNTER, *fields), placed)
                yield Update(name, link.table, (link.position,), match, encoded, origins)
        come = [list(enumerate(members))[len(members) - len(members.come) :] for members in many]
        yield from self.insert(layout, link, owners, come, positions)


def _target(link: Link) -> FieldSchema:
    """The field of a link's table that holds the key referred to."""
    return msgspec.structs.replace(link.field, kind=Kind.REF, nullable=False, form=None)


def _linked(
    owners: Sequence[Row], many: Sequence[Iterable[Any]], positions: Sequence[int]
) -> tuple[list[Row], list[int]]:
    """A row of owner and item for each item, and the position of the change it comes from."""
    found = [
        ((*own, item), position) for own, items, position in zip(owners, many, positions, strict=True) for item in items
    ]
    return [row for row, _ in found], [position for _, position in found]
