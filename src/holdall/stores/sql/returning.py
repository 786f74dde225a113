"""Values that the database gives, asked for by the RETURNING of the statement that inserts the records.

Pure: it never meets a connection. Drivers leave them out where triggers may set them after the statement.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from holdall.query import Value
from holdall.store import Outcome, Row
from holdall.stores.sql.codec import RowConvert
from holdall.stores.sql.decoding import DamagedRows, row_decoder
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.spelling_sql import shown

__all__ = ["Returned", "Returning", "returning"]


class Returning(msgspec.Struct, frozen=True):
    """The fields that are asked for, the SQL of their columns, and what makes border values of these; None: nothing."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    decode: RowConvert | None


def returning(layout: Layout, names: tuple[str, ...], dialect: Dialect) -> Returning:
    """How these fields of new records are asked for."""
    columns = [shown(layout.table.c[leaf.name], leaf.field, dialect) for name in names for leaf in layout.leaves[name]]
    fields = [layout.schema.by_name[name] for name in names]
    return Returning(names, tuple([_text(column, dialect) for column in columns]), row_decoder(fields, dialect))


def _text(column: Element, dialect: Dialect) -> str:
    return str(column.compile(dialect=dialect.sqlalchemy, compile_kwargs={"include_table": False}))


class Returned:
    """The values that came back of the records of one ``apply``."""

    def __init__(self, asked: Returning) -> None:
        self.columns = asked.columns
        self._asked = asked
        self._rows: dict[int, Row] = {}

    def take(self, reply: Sequence[Row] | None, positions: Sequence[int], has_key: bool) -> list[Value]:
        """Keep what an Insert of the records at these positions replied; the keys that were made, if it has any."""
        rows = reply or ()
        if len(rows) == len(positions) and len(rows[0]) > has_key:
            self._rows.update(zip(positions, [row[has_key:] for row in rows], strict=True))
        return [row[0] for row in rows] if has_key else []

    def fill(self, outcomes: list[Outcome]) -> bool:
        """Put the values into the outcomes; False, and nothing done, where some are not there, or cannot be read."""
        if len(self._rows) < len(outcomes):
            return False
        rows: Sequence[Row] = [self._rows[position] for position in range(len(outcomes))]
        try:
            decoded = rows if self._asked.decode is None else self._asked.decode(rows)
        except DamagedRows:
            return False
        for position, row in enumerate(decoded):
            given = dict(zip(self._asked.names, row, strict=True))
            outcomes[position] = msgspec.structs.replace(outcomes[position], given=given)
        return True
