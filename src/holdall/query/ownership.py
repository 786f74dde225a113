"""Whose fields a condition, a sort key or a projection speaks of: those of the model that is asked, and no other's."""

from __future__ import annotations

from typing import Any

from holdall.errors import QueryError
from holdall.query.aggregate import AggregateOwner
from holdall.query.condition import And, Condition, Not, Or, Owner, Path, Stated

__all__ = ["belongs_to", "demand_condition_of", "demand_field_of"]


def demand_condition_of(model: Any, condition: Condition) -> None:
    """Raise QueryError where the condition speaks of another model than ``model``; without one, nothing is known.

    Inside Some and Every the condition speaks of their Many's model, which is looked at when they are made.
    """
    if model is None:
        return
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, And | Or):
            pending.extend(node.items)
        elif isinstance(node, Not):
            pending.append(node.item)
        elif isinstance(node, Stated):
            demand_field_of(model, node.of, ("a Select",))
        elif node.path:
            demand_field_of(model, node.of, node.path)


def belongs_to(model: Any, owner: Owner) -> bool:
    """Whether a path of this owner may start from ``model``; true where either is unknown.

    Example: :func:`demand_field_of`.
    """
    other = owner.model
    return model is None or other is None or other is model or issubclass(model, other)


def demand_field_of(model: Any, owner: Owner, path: Path) -> None:
    """Raise QueryError where the path starts from another model than ``model``.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> class Author(Model):
    ...     id: int = field(pk=True)
    >>> Book.where(Author.id == 1)
    Traceback (most recent call last):
    holdall.errors.QueryError: Author.id is a field of Author, and Book is asked
    """
    if belongs_to(model, owner):
        return
    if isinstance(owner, AggregateOwner):
        raise QueryError(f"{path[0]} is an aggregate: it is asked in having(), not of single records")
    other = owner.model
    name = f"{other.__name__}.{'.'.join(path)}"
    if other.__name__ == model.__name__:
        raise QueryError(f"{name} belongs to another class {other.__name__} than the one that is asked")
    raise QueryError(f"{name} is a field of {other.__name__}, and {model.__name__} is asked")
