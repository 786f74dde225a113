"""Both ends of the references of a collection, and which of them a user may know."""

from __future__ import annotations

from collections.abc import Iterator

from holdall.model import Field
from holdall.policy import User
from holdall.query import NestedName
from holdall.session import Binding, Relationship

__all__ = ["ends_of", "plain_name", "unknown_ends"]


def unknown_ends(binding: Binding, user: User) -> frozenset[str]:
    """The references of the collection whose other end the user may not read.

    Example: ``GET /books/_meta``.
    """
    found = set[str]()
    for end, other, relationship in ends_of(binding):
        holder = relationship.target if end is relationship.field else relationship.source
        if other is not None and other.root.name in holder.hidden(user):
            found.add(plain_name(end))
    return frozenset(found)


def plain_name(field: Field) -> str:
    """The name of a reference as encoders of JSON know text. Example: ``GET /books/_meta``."""
    return field.name.plain if isinstance(field.name, NestedName) else field.name


def ends_of(binding: Binding) -> Iterator[tuple[Field, Field | None, Relationship]]:
    """Each reference that the collection has, at whichever end, with the other end where it is declared.

    Example: ``GET /books/_meta``.
    """
    for relationship in binding.relationships:
        for other in relationship.backs or (None,):
            yield relationship.field, other, relationship
    for relationship in binding.bound_by:
        for back in relationship.backs:
            yield back, relationship.field, relationship
