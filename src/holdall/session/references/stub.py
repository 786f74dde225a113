"""Stand-ins for records a commit must change or remove without having them: their key, version and references only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from holdall.model import Field, Record
from holdall.query import Key, Value, keys_inside
from holdall.session.binding import Binding, Relationship
from holdall.store import Row

__all__ = ["field_names", "fill", "keys_getter", "stub"]


def field_names(binding: Binding, *, is_changed: bool, is_whole: bool = False) -> tuple[str, ...]:
    """Return the names of the fields to read of a record, its key first: all of them where rules look at records that
    are changed, where somebody listens to changes of them, or where it is to be known ``is_whole``.
    """
    declaration = binding.declaration
    key = [field.name for field in declaration.key]
    if is_whole or binding.is_watched or (is_changed and (declaration.checks or declaration.mutable)):
        rest = [field.name for field in declaration.stored]
    else:
        rest = list(dict.fromkeys([field.root.name for field in declaration.outgoing]))
        if declaration.version is not None:
            rest.append(declaration.version.name)
        rest += [field.name for field in declaration.stamps if field.options.stamped_on == "delete"]
    return (*key, *[name for name in rest if name not in key])


def stub(binding: Binding, names: Sequence[str], row: Row) -> Record:
    """A record that knows these of its fields; never to be handed out."""
    known = dict(zip(names, row, strict=True))
    values = [_slot_value(field, known.get(field.name)) for field in binding.declaration.stored]
    return binding.declaration.create(*values)


def fill(binding: Binding, record: Record, names: Sequence[str], row: Row, kept: Collection[Field]) -> None:
    """Give a stand-in these of its fields, but for those that are ``kept`` as they are."""
    for name, value in zip(names, row, strict=True):
        field = binding.declaration.by_name[name]
        if field not in kept:
            field.put(record, _slot_value(field, value))


def keys_getter(relationship: Relationship, names: Sequence[str]) -> Callable[[Row], Collection[Key]]:
    """Return the function from a row of these fields to the keys that it refers to by the relationship.

    Example: :class:`Binding`.
    """
    field = relationship.source.schema.field(relationship.field.name)
    place, is_many = names.index(relationship.field.root.name), relationship.field.form is not None
    inside = None if field.inside is None else keys_inside(field)

    def keys_of(row: Row) -> Collection[Key]:
        value = row[place] if inside is None else inside(row[place])
        return value or () if is_many else () if value is None else (value,)

    return keys_of


def _slot_value(field: Field, value: Value) -> Value:
    if field.form is not None:
        return tuple(value or ())
    decode = field.type.decode if field.type is not None else None
    return value if value is None or decode is None else decode(value)
