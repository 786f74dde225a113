"""Dotted names from a query string resolved against the collections: ``author.country.code``, ``books.title``."""

from __future__ import annotations

import msgspec

from holdall.query import Asked, Compare, Condition, FieldSchema, Kind, ManyForm, Op, Path, Some
from holdall.session import Binding, Bindings

__all__ = ["ResolvedPath", "resolve_path"]

_MAX_STEPS = 10


class ResolvedPath(msgspec.Struct, frozen=True):
    """Where a dotted name leads.

    ``owner`` has the field. ``through`` are the paths of the Manys on the way, each starting where the one before it
    ended; ``path`` starts after the last of them. ``visits`` are the collections entered on the way. ``is_many``: the
    name ends at a Many.
    """

    field: FieldSchema
    owner: Binding
    path: Path
    through: tuple[Path, ...] = ()
    visits: tuple[Binding, ...] = ()
    is_many: bool = False

    @property
    def has_order(self) -> bool:
        """Whether rows can be sorted by it."""
        field = self.field
        is_single = field.kind is not Kind.JSON and not (field.kind is Kind.REF and len(field.target_key) > 1)
        return field.asked is Asked.ORDER and is_single and not self.through

    def compare(self, op: Op, value: object) -> Condition:
        """The comparison at its end; through a Many it is true if it is true of any record of it."""
        condition: Condition = Compare(self.path, op, value)
        for many in reversed(self.through):
            condition = Some(many, condition)
        return condition


def resolve_path(bindings: Bindings, binding: Binding, dotted: str) -> ResolvedPath | None:
    """The path a dotted name means, or None if it means none; names come from the schemas only.

    One that ends at a Many means the keys of its records, where these have one part.
    """
    names = dotted.split(".", _MAX_STEPS)
    path: Path = ()
    through: list[Path] = []
    visits: list[Binding] = []
    field, names = _next(bindings, binding, names)
    while names:
        if field is None or field.target is None:
            return None
        binding = bindings.of_name(field.target)
        visits.append(binding)
        path = (*path, field.name)
        if field.kind is Kind.MANY:
            through.append(path)
            path = ()
        field, names = _next(bindings, binding, names)
    if field is None:
        return None
    path = (*path, field.name)
    if field.kind is not Kind.MANY:
        return ResolvedPath(field, binding, path, tuple(through), tuple(visits))
    assert field.target is not None
    target = bindings.of_name(field.target)
    if len(target.schema.key) != 1 or (field.form is ManyForm.BACK and field.back is None):
        return None
    key = target.schema.field(target.schema.key[0])
    return ResolvedPath(key, target, (key.name,), (*through, path), (*visits, target), is_many=True)


def _next(bindings: Bindings, binding: Binding, names: list[str]) -> tuple[FieldSchema | None, list[str]]:
    """The field that the first of the names mean, one or those of a reference inside a value; and the rest of them."""
    for number in range(1, len(names) + 1 if binding.schema.nested else 2):
        field = _known(bindings, binding, ".".join(names[:number]))
        if field is not None and (field.target is not None or number == len(names)):
            return field, names[number:]
    return _known(bindings, binding, names[0]), names[1:]


def _known(bindings: Bindings, binding: Binding, name: str) -> FieldSchema | None:
    """The field of this name, if there is one for who asks."""
    field = binding.schema.by_name.get(name)
    return None if field is None or field.kept_in in bindings.hidden_names.get(binding.collection, ()) else field
