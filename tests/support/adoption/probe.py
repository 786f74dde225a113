"""Writes, reads and compares in tables that others made, and tells where what comes back is not what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from holdall.errors import HoldallError
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema, SortKey, Table, evaluate
from holdall.store import Change, Row, Verb
from holdall.stores.sql.store import SqlStore
from tests.support.adoption.matrix import values_of

__all__ = ["Probe", "columns_told", "schema_of"]

_KEY = FieldSchema("id", Kind.INT)
_ORDERED = (Op.EQ, Op.NE, Op.LT, Op.GE)


def schema_of(table: str, fields: Sequence[FieldSchema]) -> Schema:
    """A collection in the table, with a key beside the fields."""
    return Schema(table, (_KEY, *fields), ("id",))


def columns_told(differences: Sequence[str]) -> set[str]:
    """The columns that differences speak of, as ``table.column``."""
    return {sentence.partition(" ")[0] for sentence in differences}


class Probe:
    """Tries every field of a table that inspection has found no fault with."""

    def __init__(self, store: SqlStore, table: str, fields: Sequence[FieldSchema], is_long: bool) -> None:
        self._store = store
        self._fields = fields
        self._is_long = is_long
        self._schema = schema_of(table, fields)
        self.written = 0
        self.refused = 0

    async def faults(self, there: Sequence[Row] = ()) -> list[str]:
        """A sentence for each thing that does not hold; ``there`` are rows that are in the table, as they were read."""
        rows, faults = list(there), list[str]()
        for field in self._fields:
            for value in values_of(field, self._is_long):
                row = (len(rows) + 1, *(value if each is field else None for each in self._fields))
                faults += await self._write(field, row, rows)
        found = sorted(await self._store.fetch(Query(self._schema.name)))
        for row, back in zip(rows, found, strict=True):
            for place, field in enumerate(self._fields, 1):
                if back[place] != row[place] or not isinstance(back[place], type(row[place])):
                    faults.append(f"{self._place(field)} was given {row[place]!r} and has {back[place]!r}")
        for query in self._queries(found):
            faults += await self._compare(query, found)
        return faults

    async def _write(self, field: FieldSchema, row: Row, rows: list[Row]) -> list[str]:
        names = tuple(each.name for each in self._schema.fields)
        try:
            await self._store.apply([Change(Verb.ADD, self._schema.name, row[0], names, row)])
        except HoldallError as error:
            self.refused += 1
            named = "; ".join([str(error), *(each.path for each in getattr(error, "errors", ()))])
            return [] if field.name in named else [f"{self._place(field)} refuses without its name: {error}"]
        self.written += 1
        rows.append(row)
        return []

    def _queries(self, rows: Sequence[Row]) -> Iterator[Query[Any]]:
        for place, field in enumerate(self._fields, 1):
            path, name = (field.name,), self._schema.name
            values = [row[place] for row in rows if row[place] is not None]
            operators = (Op.EQ, Op.NE) if field.kind is Kind.JSON else _ORDERED
            if field.kind is Kind.BOOL:
                operators = (Op.EQ, Op.NE)
            for value in values:
                yield from (Query(name, Compare(path, op, value)) for op in operators)
            if values:
                yield Query(name, Compare(path, Op.IN, tuple(values[:50])))
            if field.kind is not Kind.JSON:
                yield Query(name, sort_keys=(SortKey(path),))
                yield Query(name, sort_keys=(SortKey(path, descending=True),), max_rows=1000)
            if field.kind is Kind.STR:
                for value in values:
                    yield Query(name, Compare(path, Op.STARTSWITH, value[:2]))
                    yield Query(name, Compare(path, Op.ENDSWITH, value[-2:]))

    async def _compare(self, query: Query[Any], rows: list[Row]) -> list[str]:
        wanted = evaluate(query, {self._schema.name: Table(self._schema, rows)})
        try:
            found = await self._store.fetch(query)
        except HoldallError as error:
            return [] if "digits" in str(error) else [f"{query} was refused: {error}"]
        is_same = list(found) == wanted if query.sort_keys else sorted(row[0] for row in found) == sorted(
            row[0] for row in wanted
        )  # fmt: skip
        return [] if is_same else [f"{query} gives {len(found)} rows in another order or number than {len(wanted)}"]

    def _place(self, field: FieldSchema) -> str:
        return f"{self._schema.name}.{field.name}"
