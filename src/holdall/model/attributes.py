"""Descriptors for slots that cannot be read as they are: references, many references, mutable values."""

from __future__ import annotations

from typing import Any

from holdall.model.field import Field
from holdall.model.inverse_edits import rewrite
from holdall.model.many import Related
from holdall.model.one_back import OneBack
from holdall.model.reference import Reference, belong_to
from holdall.model.reference_place import ReferencePlace, items_inside
from holdall.model.target import Target
from holdall.model.tracking import Record, gc_track, hidden_ends
from holdall.model.withheld import WITHHELD
from holdall.query import Value

__all__ = [
    "BackAttribute",
    "InnerReferencesAttribute",
    "ManyAttribute",
    "MutableAttribute",
    "OneBackAttribute",
    "RefAttribute",
    "SlotAttribute",
    "StoredBackAttribute",
    "StoredOneBackAttribute",
    "attribute_of",
]

_IMMUTABLE = frozenset({type(None), bool, int, float, str})


class SlotAttribute:
    """Stands in front of ``slot``."""

    __slots__ = ("_get", "slot")

    def __init__(self, slot: Value) -> None:
        self.slot = slot
        self._get = slot.__get__


class RefAttribute(SlotAttribute):
    """A reference: the slot holds a key, or a Reference that has its record; reading gives a Reference.

    A handle made for a key is not kept, so that no record is held by a handle of its own.
    """

    __slots__ = ("_target",)

    def __init__(self, slot: object, target: Any) -> None:
        super().__init__(slot)
        self._target = target

    def __get__(self, record: Record, owner: object) -> Any:
        if record is None:
            return self
        value = self._get(record)
        return value if value.__class__ is Reference else Reference(self._target, value, None, record, self)

    def fill(self, record: Record, found: Any) -> None:
        """Keep the record that was found for the key, unless the slot has been given another value meanwhile."""
        if self._get(record) == found.__key__():
            self.slot.__set__(record, Reference(self._target, record=found))
            gc_track(record)


class ManyAttribute(SlotAttribute):
    """Many references kept here: the slot holds a tuple of keys and of References that have their records.

    Where a tuple or frozenset of references was declared, ``container`` says so and reading gives one.
    """

    __slots__ = ("_container", "_name", "_target")

    def __init__(self, slot: object, target: Any, name: str, container: type[Any] | None) -> None:
        super().__init__(slot)
        self._target = target
        self._name = name
        self._container = container

    def __get__(self, record: Record, owner: object) -> Any:
        if record is None:
            return self
        references = tuple(
            [
                item if item.__class__ is Reference else Reference(self._target, item, None, record)
                for item in self._get(record)
            ]
        )
        return Related(record, self._name, references) if self._container is None else self._container(references)


class StoredBackAttribute(ManyAttribute):
    """The stored other end of references; for users who may not read what refers, it is as if it were not stored."""

    __slots__ = ()

    def __get__(self, record: Record, owner: object) -> Any:
        if record is not None and self._name in hidden_ends(record):
            return Related(record, self._name, None)
        return super().__get__(record, owner)


class StoredOneBackAttribute(RefAttribute):
    """The stored other end of a 1-1 reference; for users who may not read what refers, as if it were not stored."""

    __slots__ = ("_name",)

    def __init__(self, slot: Any, target: Any, name: str) -> None:
        super().__init__(slot, target)
        self._name = name

    def __get__(self, record: Record, owner: object) -> Any:
        if record is not None and self._name in hidden_ends(record):
            return OneBack(self._target, record, self._name)
        return super().__get__(record, owner)


class MutableAttribute(SlotAttribute):
    """A list, dict or other value that can be changed in place: the session is told when one is handed out.

    Example: :class:`Model`.
    """

    __slots__ = ()

    def __get__(self, record: Record, owner: object) -> Any:
        if record is None:
            return self
        value = self._get(record)
        track = getattr(record, "_track", None)
        if track is not None and value.__class__ not in _IMMUTABLE:
            session = track.session
            if session is not None:
                session.watch(record)
        return value


class InnerReferencesAttribute(MutableAttribute):
    """A value with references inside: each handle is told the session of the record, by which it loads its own."""

    __slots__ = ("_places",)

    def __init__(self, slot: Value, places: tuple[ReferencePlace, ...]) -> None:
        super().__init__(slot)
        self._places = places

    def __get__(self, record: Record, owner: object) -> Any:
        value = super().__get__(record, owner)
        track = getattr(record, "_track", None) if record is not None else None
        if track is not None and track.link is not None and value is not None and value is not WITHHELD:
            for place in self._places:
                for item in items_inside(value, place.steps):
                    if item.__class__ is Reference:
                        belong_to(item, track.link)
        return value


class BackAttribute:
    """A Many that is kept by the references of its records; it has no slot."""

    __slots__ = ("_name", "_target")

    def __init__(self, name: str, target: Target | None) -> None:
        self._name = name
        self._target = target

    def __get__(self, record: Record, owner: object) -> Any:
        return self if record is None else Related(record, self._name, None)

    def __set__(self, record: Record, value: Value) -> None:
        rewrite(record, self._name, value)


class OneBackAttribute(BackAttribute):
    """A Ref that is kept by the reference of its record."""

    __slots__ = ()

    def __get__(self, record: Record, owner: object) -> Any:
        return self if record is None else OneBack(self._target, record, self._name)

    def __set__(self, record: Record, value: object) -> None:
        rewrite(record, self._name, () if value is None else (value,))


def attribute_of(field: Field, slot: object) -> Any:
    """Return the descriptor that reads the field from its slot: the slot itself where nothing has to stand in front of
    it.
    """
    if field.type is not None:
        if field.type.references:
            return InnerReferencesAttribute(slot, field.type.references)
        if field.type.attribute is not None:
            return field.type.attribute(slot, field.name)
        return MutableAttribute(slot) if field.type.is_mutable else slot
    if field.options.back is not None:
        if field.form is None:
            return StoredOneBackAttribute(slot, field.target, field.name)
        return StoredBackAttribute(slot, field.target, field.name, field.container)
    if field.form is None:
        return RefAttribute(slot, field.target)
    return ManyAttribute(slot, field.target, field.name, field.container)
