"""Refusals of what a query is given and cannot take."""

from __future__ import annotations

from holdall.errors import QueryError
from holdall.query.aggregated import Aggregated
from holdall.query.expression import Expression

__all__ = ["demand_count", "no_condition"]


def demand_count(what: str, rows: object) -> None:
    """Raise QueryError for what is no number of rows."""
    if not isinstance(rows, int) or isinstance(rows, bool):
        raise QueryError(f"{what} is a whole number, not {type(rows).__name__}")
    if rows < 0:
        raise QueryError(f"{what} cannot be negative")


def no_condition(item: object) -> str:
    """The sentence about what ``where`` takes, for what it does not."""
    if isinstance(item, Expression):
        return f"{'.'.join(item.path)} alone is no condition: compare it, for instance with == True"
    if isinstance(item, Aggregated):
        return f"{item.aggregate.name} alone is no condition: compare it, for instance with > 0"
    if isinstance(item, str):
        return "where() takes conditions such as Book.pages > 100, not text; parse_condition reads one from text"
    return f"where() takes conditions such as Book.pages > 100, not {type(item).__name__}"
