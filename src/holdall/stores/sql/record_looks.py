"""Looks at records by their keys, within the transaction that writes them: the questions, and their answers read.

Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from holdall.query import And, AnyQuery, Compare, Condition, Key, Op, Or, Query
from holdall.store import Row
from holdall.stores.sql.compile import Statement
from holdall.stores.sql.decoding import DamagedRows
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.steps import Look, PartSteps

__all__ = ["look_at"]

_KEYS = 500  # in one question, divided by the parts of a key


def look_at(
    layout: Layout,
    names: tuple[str, ...],
    keys: Sequence[Key],
    positions: Sequence[int],
    compile_query: Callable[[AnyQuery], Statement],
    found: dict[Key, Row],
) -> PartSteps:
    """Read these fields of the records with these keys, and put their values into ``found``, by key."""
    size = len(layout.schema.key)
    for piece in _pieces(keys, size):
        statement = compile_query(_having(layout, piece, names))
        rows = yield Look(layout.schema.name, layout.table, (), (), (), positions, statement=statement)
        found.update((row[0] if size == 1 else tuple(row[:size]), row[size:]) for row in _decoded(statement, rows))


def _pieces(keys: Sequence[Key], parts_of_key: int) -> Iterator[list[Key]]:
    different, size = list(dict.fromkeys(keys)), max(1, _KEYS // parts_of_key)
    for start in range(0, len(different), size):
        yield different[start : start + size]


def _having(layout: Layout, keys: Sequence[Key], names: tuple[str, ...]) -> AnyQuery:
    """The query for these fields of the records with these keys, after the keys themselves."""
    own = layout.schema.key
    condition: Condition = Compare((own[0],), Op.IN, tuple(keys))
    if len(own) > 1:
        each = [[Compare((name,), Op.EQ, part) for name, part in zip(own, key, strict=True)] for key in keys]
        condition = Or(tuple([And(tuple(found)) for found in each]))
    return Query(layout.schema.name, condition, projection=tuple([(name,) for name in (*own, *names)]))


def _decoded(statement: Statement, rows: Sequence[Row]) -> Sequence[Row]:
    try:
        return rows if statement.decode is None else statement.decode(rows)
    except DamagedRows as damaged:
        return damaged.rows
