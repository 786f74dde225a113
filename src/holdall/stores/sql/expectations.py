"""Records that must still be as expected: locked and read in the transaction that changes them, before anything is.

They are compared here and not in SQL, as collations, forms of numbers and JSON are not the same to every database.
Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from holdall.errors import StaleVersion
from holdall.query import AnyQuery, Key
from holdall.store import Change, Expected, Row, Verb
from holdall.stores.sql.compile import Statement
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.record_looks import look_at
from holdall.stores.sql.row_encoding import RowEncoding, found_by
from holdall.stores.sql.steps import Lock, PartSteps, Update
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

    def steps(self, changes: Sequence[Change]) -> PartSteps:
        """Look at every record of which something is expected. Raises StaleVersion for a record that has other values
        now.
        """
        expecting: dict[str, list[int]] = {}
        for position, change in enumerate(changes):
            if change.expected is not None or change.is_check:
                expecting.setdefault(change.collection, []).append(position)
        for collection, positions in sorted(expecting.items()):
            layout = self._tables.layout(collection)
            yield from self._hold(layout, changes, positions)
            asked: dict[tuple[str, ...], list[int]] = {}
            expected = {position: _expected(layout, changes[position]) for position in positions}
            for position in positions:
                asked.setdefault(expected[position].fields, []).append(position)
            for names, group in asked.items():
                yield from self._compare(layout, names, changes, {position: expected[position] for position in group})

    def _hold(self, layout: Layout, changes: Sequence[Change], positions: Sequence[int]) -> PartSteps:
        """Keep the rows as they are until the end of the transaction. Raises StaleVersion where there is none."""
        name, table, dialect = layout.schema.name, layout.table, self._tables.dialect
        fields, match = found_by(layout, is_versioned=False)
        rows = self._encoding.rows(layout, fields, [parts(layout, changes[position].key) for position in positions])
        if dialect.locks_rows:
            is_removal = any(changes[position].verb is Verb.REMOVE for position in positions)
            yield Lock(name, table, (), match, rows, positions, is_removal=is_removal)
        elif dialect.family != "sqlite":  # where one writer at a time is in the file
            missed = yield Update(name, table, (), match, rows, positions)
            if missed is not None:
                raise StaleVersion(self._store, name, changes[positions[missed]].key, positions[missed])

    def _compare(
        self, layout: Layout, names: tuple[str, ...], changes: Sequence[Change], expected: Mapping[int, Expected]
    ) -> PartSteps:
        """Read these fields of the records. Raises StaleVersion for the first that has not what is expected."""
        found, positions = dict[Key, Row](), list(expected)
        keys = [changes[position].key for position in positions]
        yield from look_at(layout, names, keys, positions, self._compile, found)
        for position in positions:
            change = changes[position]
            values = found.get(change.key)
            if values is None or not expected[position].is_met_by(values):
                raise StaleVersion(self._store, layout.schema.name, change.key, position)


def _expected(layout: Layout, change: Change) -> Expected:
    """The values that the record of a change must have, with the version of one that is only compared."""
    expected, version = change.expected or Expected((), ()), layout.schema.version
    if not change.is_check or change.version is None or version is None:
        return expected
    return Expected((*expected.fields, version), (*expected.values, change.version))
