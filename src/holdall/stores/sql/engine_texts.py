"""Texts of steps for a SQLAlchemy connection, compiled once for each table and choice of columns."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from holdall.query import Value
from holdall.store import Row

__all__ = ["StepText", "text_of"]


class StepText:
    """A compiled statement and how it takes its parameters."""

    def __init__(self, compiled: Any, returns: bool) -> None:
        self.sql = str(compiled)
        self.returns = returns
        names = getattr(compiled, "positiontup", None)
        self._order = [int(name[1:]) for name in names] if names is not None else None
        self._names = None if names is not None else {name: int(name[1:]) for name in compiled.bind_names.values()}

    def given(self, row: Row) -> Value:
        """The row as parameters."""
        if self._order is not None:
            return tuple([row[place] for place in self._order])
        return {name: row[place] for name, place in (self._names or {}).items()}


@lru_cache(maxsize=1000)
def text_of(
    dialect: sa.engine.Dialect,
    table: sa.Table,
    kind: str,
    columns: tuple[str, ...],
    match: tuple[str, ...],
    generated: str | None = None,
    asked: tuple[str, ...] = (),
) -> StepText:
    """The statement of a step of this kind, compiled once."""
    is_plain = dialect.name == "postgresql"  # whose columns say best what a parameter is
    values = {column: _parameter(table, column, place, is_plain) for place, column in enumerate(columns)}
    found = [
        table.c[name] == _parameter(table, name, place, is_plain) for place, name in enumerate(match, len(columns))
    ]
    if kind == "insert":
        wanted: list[sa.ColumnElement[Any]] = [] if generated is None else [table.c[generated]]
        wanted += [sa.literal_column(text) for text in asked]
        returns = bool(wanted) and bool(getattr(dialect, "insert_returning", False))
        insert = sa.insert(table).inline().values(values)
        compiled = insert.returning(*wanted) if returns else insert
        return StepText(compiled.compile(dialect=dialect), returns)
    if kind == "delete":
        return StepText(sa.delete(table).where(*found).compile(dialect=dialect), False)
    # without new values the row is written as it is, which tells whether it is there
    unchanged = {match[0]: table.c[match[0]]}
    return StepText(sa.update(table).where(*found).values(values or unchanged).compile(dialect=dialect), False)


def _parameter(table: sa.Table, column: str, place: int, is_plain: bool) -> sa.BindParameter[Any]:
    kind = sa.types.NullType() if is_plain else table.c[column].type
    return sa.bindparam(f"p{place}", type_=kind, required=True)
