"""Bulk changes that a session is to make: all records that a query means are updated or removed."""

from __future__ import annotations

import datetime as dt

import msgspec

from holdall.errors import LimitExceeded, QueryError
from holdall.model import Field
from holdall.policy import User
from holdall.query import AnyQuery, Path, Value, format_query
from holdall.session.binding import Binding
from holdall.session.stamp import stamp_of
from holdall.store import BulkChange, Computed, Verb

__all__ = ["PendingBulk"]

_SHOWN = 300  # characters


class PendingBulk(msgspec.Struct, eq=False):
    """An update or removal of all records of a collection that a query means when it is made.

    ``slots`` are the values as records have them, ``computed`` the formulas of others. A change ``is_plain`` where its
    store can make it by itself, with nothing to be looked at in other collections or by the rules of the model.
    ``number`` is how many records it changed, once it was made.

    Example: :class:`Session`.
    """

    binding: Binding
    verb: Verb
    query: AnyQuery
    slots: dict[Field, Value]
    most: int | None
    is_plain: bool
    user: User
    number: int = 0
    computed: dict[Field, Path] = msgspec.field(default_factory=dict)

    def change(self, query: AnyQuery) -> BulkChange:
        """The change as its store is given it, with a query that the store can answer, and the moments of now."""
        values: dict[str, Value] = {field.name: field.encode(slot) for field, slot in self.slots.items()}
        values |= {field.name: Computed(path) for field, path in self.computed.items()}
        if self.verb is Verb.UPDATE:
            now = dt.datetime.now(dt.UTC)
            values |= {each.name: each.encode(stamp_of(self.binding, each, self.user, now)) for each in self.stamps}
        return BulkChange(self.verb, query, tuple(values), tuple(values.values()), self.most)

    @staticmethod
    def bounded(query: AnyQuery, most: int | None) -> AnyQuery:
        """The query for at most one record more than may be changed."""
        if most is None:
            return query
        return query.limit(most + 1 if query.max_rows is None else min(query.max_rows, most + 1))

    @property
    def fields(self) -> list[Field]:
        """The fields that are given values."""
        return [*self.slots, *self.computed]

    @property
    def stamps(self) -> list[Field]:
        """The fields that take the moment or the user of each write."""
        return [
            field
            for field in self.binding.declaration.stamps
            if field.options.stamped_on == "write" and field not in self.fields
        ]

    def __str__(self) -> str:
        fields = [field.name for field in self.fields]
        what = f": {', '.join(fields)}" if fields else ""
        most = "" if self.most is None else f", at most {self.most}"
        return f"{self.verb} {_shown(self.query)}{what}{most}"


def _shown(query: AnyQuery) -> str:
    try:
        text = format_query(query)
    except (QueryError, LimitExceeded):
        return f"{query.collection} where …"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
