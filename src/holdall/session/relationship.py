"""Relationships: each stored reference with both of its ends, wherever these live. Made once, by ``configure``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from holdall.errors import DeclarationError
from holdall.model import Field, OnDelete
from holdall.store import Feature

if TYPE_CHECKING:
    from holdall.session.binding import Binding, Bindings

__all__ = ["Relationship", "tie"]


class Relationship:
    """The records of ``source`` refer by ``field``, a Ref or a stored Many, to records of ``target``.

    ``backs`` are the target's fields that tell the same from the other end; those of ``stored_inverses`` are stored
    there. ``is_single`` if one record of the target has at most one of the source. ``is_guarded`` if both ends are in
    one store that keeps references itself, as the other side of DAOs is taken to do.
    """

    __slots__ = ("backs", "field", "is_guarded", "is_single", "on_delete", "source", "stored_inverses", "target")

    def __init__(self, source: Binding, field: Field, target: Binding, backs: tuple[Field, ...]) -> None:
        self.source = source
        self.field = field
        self.target = target
        self.backs = backs
        self.stored_inverses = tuple(back for back in backs if back.is_stored)
        self.is_single = any(back.is_single for back in backs)
        is_kept = Feature.FOREIGN_KEYS in source.store.capabilities.features or source.record_access is not None
        self.is_guarded = source.store is target.store and is_kept
        self.on_delete = _rule(field, backs)

    @property
    def name(self) -> str:
        """The name in messages: ``book.author``."""
        return f"{self.source.collection}.{self.field.name}"


def tie(bindings: Bindings) -> None:
    """Tell each binding the relationships it holds and those that hold it.

    Raises DeclarationError where the ends disagree, or a reference that cannot be empty is to be emptied.
    """
    relationships: list[Relationship] = []
    for binding in bindings:
        for field in binding.declaration.references:
            if field.options.back is None and field.target is not None:
                target = bindings.of_model(field.target())
                relationships.append(Relationship(binding, field, target, tuple(_backs(target, binding, field))))
    for binding in bindings:
        binding.relationships = tuple(relationship for relationship in relationships if relationship.source is binding)
        binding.bound_by = tuple(relationship for relationship in relationships if relationship.target is binding)
        binding.unenforced = tuple(
            relationship for relationship in binding.relationships if not relationship.is_guarded
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


def _rule(field: Field, backs: tuple[Field, ...]) -> OnDelete:
    """Return the rule of one end, or of both alike; the removal is refused where neither says anything."""
    said = {end.options.on_delete for end in (field, *backs) if end.options.on_delete is not None}
    where = f"{field.model}.{field.name}"
    if len(said) > 1:
        raise DeclarationError(f"{where}: its two ends say different things of on_delete; say it at one of them")
    rule = said.pop() if said else OnDelete.RESTRICT
    if rule is OnDelete.UNLINK and not field.may_be_emptied:
        raise DeclarationError(f"{where} cannot be emptied, so UNLINK cannot work: make it optional, or CASCADE")
    return rule
