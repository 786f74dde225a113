"""Items in the slot of a reference, or of a list of them: keys, and References that have their records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdall.errors import FieldError, StateError, ValidationError
from holdall.model.field import Field
from holdall.model.nested_reference import NestedReference
from holdall.model.reference import Reference, key_of_value, record_in
from holdall.model.tracking import Record, gc_track
from holdall.query import Key, Value

__all__ = [
    "children_of",
    "items_of",
    "keys_only",
    "leads_to",
    "placed_items",
    "refers_to",
    "replace_items",
    "slot_of",
    "write_slot",
]


def items_of(field: Field, slot: Value) -> list[Value]:
    """Return the items in the slot of the field, one by one. Example: :func:`refers_to`."""
    return [item for item in (slot if field.form is not None else (slot,)) if item is not None]


def leads_to(item: object, record: Record) -> bool:
    """Whether what a slot holds leads to the record. Example: :func:`refers_to`."""
    if item.__class__ is Reference and record_in(item) is record:
        return True
    key = key_of_value(item)
    return key is not None and bool(key == record.__key__())


def refers_to(field: Field, record: Record, target: Any) -> bool:
    """Whether the record refers to the target by this field.

    >>> class Tag(Model):
    ...     name: str = field(pk=True)
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     tags: Many[Tag]
    >>> old = Tag(name="old")
    >>> refers_to(Book.__holdall__.by_name["tags"], Book(id=1, tags=[old]), old)
    True
    """
    return any(leads_to(item, target) for item in items_of(field, field.get(record)))


def replace_items(field: Field, record: Record, replaced: Callable[[Any], Any]) -> None:
    """Put into the slot, past change tracking, what ``replaced`` gives for each item; what it gives back stays.

    Example: :func:`refers_to`.
    """
    if isinstance(field, NestedReference):
        value = field.root.get(record)
        made = field.replaced(value, replaced, in_place=True)
        if made is not value:
            field.root.put(record, made)
        return
    slot = field.get(record)
    items = slot if field.form is not None else (slot,)
    made = tuple([replaced(item) for item in items])
    if any(one is not other for one, other in zip(made, items, strict=True)):
        field.put(record, made if field.form is not None else made[0])
        gc_track(record)


def slot_of(field: Field, value: Value) -> Value:
    """The slot of a reference in a value of the field that keeps it: the value itself, or what lies inside.

    Example: :func:`refers_to`.
    """
    return field.slot_in(value) if isinstance(field, NestedReference) else value


def placed_items(field: Field, value: Value) -> list[tuple[Value, str]]:
    """The items of a reference in a value of the field that keeps it, each with its path. Example: :func:`refers_to`.

    The path is that of what is wrong with an item: ``author``, ``tags.1``, ``lines.0.product``.
    """
    if isinstance(field, NestedReference):
        return field.placed_in(value)
    if field.form is None:
        return [] if value is None else [(value, field.name)]
    return [(item, f"{field.name}.{number}") for number, item in enumerate(value)]


def write_slot(field: Field, record: Record, slot: Value) -> None:
    """Write the slot as the program does, checked and tracked. Raises ValidationError for what cannot stand there.

    Example: :func:`refers_to`.
    """
    if not isinstance(field, NestedReference):
        setattr(record, field.name, slot)
        return
    value = field.root.get(record)
    refusal = field.refusal(value, slot)
    if refusal is not None:
        raise ValidationError(field.model, [FieldError(field.name.plain, "nested", refusal)])
    setattr(record, field.root.name, field.with_slot(value, slot))


def children_of(record: Record) -> list[Record]:
    """The loaded records that a record refers to, in its fields and inside their values. Example: :func:`refers_to`."""
    declaration, children = record.__holdall__, list[Any]()
    for nested in declaration.nested.values():
        items = items_of(nested, nested.get(record))
        children += [record_in(item) for item in items if item.__class__ is Reference]
    for field in declaration.relations:
        if field.depends_on:
            value = getattr(record, field.name)
            children += [item.record for item in (value if field.form else (value,)) if item.record is not None]
    return children


def keys_only(field: Field, value: object) -> Key:
    """The keys of what a reference, or a list of them, leads to; raises StateError where there is none yet."""
    keys = field.encode(value)
    missing = keys is None and bool(value) if field.form is None else None in keys
    if missing:
        raise StateError(f"{field.model}.{field.name} refers to a record without a key: commit it before pickling")
    return keys
