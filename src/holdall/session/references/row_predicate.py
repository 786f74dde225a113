"""Conditions on single records decided here, of their rows, with functions that decide about records in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdall.policy import Judgement
from holdall.query import And, Condition, Not, Or, Row, Schema, Stated, compile_condition, nodes
from holdall.session.binding import Binding
from holdall.session.damage import records_of

__all__ = ["has_judgement", "row_predicate"]


def has_judgement(condition: Condition) -> bool:
    """Whether a function decides in the condition, which no store can ask."""
    return any(isinstance(node, Stated) and isinstance(node.statement, Judgement) for node in nodes(condition))


def row_predicate(condition: Condition, binding: Binding) -> Callable[[Row], bool]:
    """The function that decides whether a whole row of a collection meets a condition that stays in the collection."""
    match condition:
        case And(items):
            parts = [row_predicate(item, binding) for item in items]
            return lambda row: all(part(row) for part in parts)
        case Or(items):
            parts = [row_predicate(item, binding) for item in items]
            return lambda row: any(part(row) for part in parts)
        case Not(item):
            inner = row_predicate(item, binding)
            return lambda row: not inner(row)
        case Stated(statement=Judgement() as judgement):
            return lambda row: judgement.holds(records_of(binding, [row])[0])
        case _:
            return compile_condition(condition, binding.schema, _Alone({binding.collection: binding.schema}))


class _Alone:
    """The ``Lookup`` of a collection by itself."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = schemas

    def by_key(self, collection: str) -> Callable[[object], Row | None]:
        return lambda key: None

    def referring(self, collection: str, field: str) -> Callable[[object], tuple[Row, ...]]:
        return lambda key: ()
