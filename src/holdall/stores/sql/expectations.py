"""Records that must still be as expected: locked and read in the transaction that changes them, before anything is.

They are compared here and not in SQL, as collations, forms of numbers and JSON are not the same to every database.
Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from holdall.errors import StaleVersion
from holdall.query import And, AnyQuery, Compare, Op, Query
from holdall.store import Change, Row, Verb
from holdall.stores.sql.compile import Statement
from holdall.stores.sql.decoding import DamagedRows
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.row_encoding import RowEncoding, found_by
from holdall.stores.sql.steps import Lock, Look, Step, Update
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import parts

__all__ = ["Expectations"]


class Expectations:
    """Plans the looks of one store; ``compile_query`` makes the statement that reads a record."""

    def __init__(
        self, store: str, tables: Tables, encoding: RowEncoding, compile_query: Callable[[AnyQuery], Statement]
    ) -> None:
        self._store = store
        self._tables = tables
        self._encoding = encoding
        self._compile = compile_query

    def steps(self, changes: Sequence[Change]) -> Generator[Step, Any, None]:
        """Look at every record of which something is expected. Raises StaleVersion for a record that has other values
        now.
        """
        for position, change in enumerate(changes):
            if change.expected is None:
                continue
            layout = self._tables.layout(change.collection)
            fields, match = found_by(layout, is_versioned=False)
            rows = self._encoding.rows(layout, fields, [parts(layout, change.key)])
            name, table = layout.schema.name, layout.table
            is_held = yield from self._hold(layout, rows, match, position, is_removal=change.verb is Verb.REMOVE)
            statement = self._compile(_by_key(layout, change))
            found = yield Look(name, table, (), match, rows, [position], statement=statement)
            if not is_held or not found or not change.expected.is_met_by(_decoded(statement, found)):
                raise StaleVersion(self._store, name, change.key, position)

    def _hold(
        self, layout: Layout, rows: Sequence[Row], match: tuple[str, ...], position: int, *, is_removal: bool
    ) -> Generator[Step, Any, bool]:
        """Keep the row as it is until the end of the transaction; False if there is none."""
        name, table, dialect = layout.schema.name, layout.table, self._tables.dialect
        if dialect.locks_rows:
            yield Lock(name, table, (), match, rows, [position], is_removal=is_removal)
        elif dialect.family != "sqlite":  # where one writer at a time is in the file
            missed = yield Update(name, table, (), match, rows, [position])
            return missed is None
        return True


def _by_key(layout: Layout, change: Change) -> AnyQuery:
    key = zip(layout.schema.key, parts(layout, change.key), strict=True)
    found = [Compare((name,), Op.EQ, part) for name, part in key]
    projection = tuple([(name,) for name in change.expected.fields]) if change.expected is not None else ()
    return Query(layout.schema.name, found[0] if len(found) == 1 else And(tuple(found)), projection=projection)


def _decoded(statement: Statement, rows: Sequence[Row]) -> Row:
    try:
        return (rows if statement.decode is None else statement.decode(rows))[0]
    except DamagedRows as damaged:
        return damaged.rows[0]
