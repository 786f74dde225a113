"""Selects as conditions: the key is among the rows of a statement that others wrote, with its own parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from holdall.errors import QueryError
from holdall.query import Stated
from holdall.stores.sql.binding import Binding, Slot
from holdall.stores.sql.joins import Scope

__all__ = ["stated", "statement_slots"]


def stated(node: Stated, scope: Scope, binding: Binding, wanted: bool) -> sa.ColumnElement[bool]:
    """SQL that is TRUE where the key of the scope's record is among the statement's rows, or where it is not."""
    statement = node.statement
    if not isinstance(statement, sa.Select):
        raise QueryError(f"a SQL database carries out a Select, not a {type(statement).__name__}")
    binding.embed(binding.take(), statement)
    layout, alias = scope.record(())
    key = [alias.c[leaf.name] for leaf in layout.key]
    left: Any = key[0] if len(key) == 1 else sa.tuple_(*key)
    part = next(iter(statement.exported_columns))
    found: sa.ColumnElement[bool] = left.in_(statement if wanted else statement.where(part.is_not(None)))
    return found if wanted else sa.not_(found)


def statement_slots(compiled: Any, binding: Binding) -> dict[str, Slot]:
    """The slots of parameters that came with statements, by their names in the compiled text.

    Their values are taken from those of the query, except for lists, which are part of its shape.
    """
    places: dict[str, tuple[int, int]] = {}
    for index, statement in binding.statements:
        known = statement._generate_cache_key()
        for place, parameter in enumerate(known.bindparams if known is not None else ()):
            places[parameter.key] = (index, place)
    slots: dict[str, Slot] = {}
    for name, parameter in compiled.binds.items():
        if parameter.key in places and not parameter.expanding:
            index, place = places[parameter.key]
            slots[name] = (index, _picked(place, compiled._bind_processors.get(name)))
    return slots


def _picked(place: int, process: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if process is None:
        return lambda values: values[place]
    return lambda values: process(values[place])
