"""Bindings tied together: each is told the relationships that it holds, and those that hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from holdall.model import Field, Model
from holdall.session.binding import Binding, Relationship

__all__ = ["tie"]


def tie(bindings: Sequence[Binding], of_model: Callable[[type[Model]], Binding]) -> None:
    """Tell each binding the relationships it holds and those that hold it.

    Raises DeclarationError where the ends disagree, or a reference that cannot be empty is to be emptied.
    """
    relationships: list[Relationship] = []
    for binding in bindings:
        for field in binding.declaration.outgoing:
            if field.options.back is None and field.target is not None:
                target = of_model(field.target())
                relationships.append(Relationship(binding, field, target, tuple(_backs(target, binding, field))))
    for binding in bindings:
        binding.relationships = tuple(relationship for relationship in relationships if relationship.source is binding)
        binding.bound_by = tuple(
            relationship
            for relationship in relationships
            if relationship.target is binding and not relationship.source.is_read_only
        )
        binding.unenforced = tuple(
            relationship
            for relationship in binding.relationships
            if not relationship.is_guarded and not binding.is_read_only
        )
        binding.inversely_stored = tuple(
            relationship
            for relationship in binding.relationships
            if relationship.stored_inverses or relationship.is_single
        )


def _backs(target: Binding, source: Binding, field: Field) -> Iterable[Field]:
    for back in target.declaration.relations:
        if back.options.back == field.name and back.target is not None and back.target() is source.model:
            yield back
