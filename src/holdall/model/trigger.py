"""The events of a model's records: ``Book.created``, ``Book.changed``, ``Book.changed("status")``, ``Book.deleted``."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Expression, Value, did_you_mean

__all__ = ["EventKind", "Trigger", "Triggers", "changed", "created", "deleted"]


class EventKind(StrEnum):
    """The kind of an event: a record was created, changed or deleted. Example: :class:`Trigger`."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class Trigger(msgspec.Struct, frozen=True):
    """The events that a function is called for: of a model, of one kind, for changes of these fields, or of any.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "draft"
    >>> str(Book.created), str(Book.changed), str(Book.changed("status")), str(Book.deleted)
    ('Book.created', 'Book.changed', "Book.changed('status')", 'Book.deleted')
    >>> Book.changed("color")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: Book has no stored field 'color'; there are id, status
    """

    model: Value
    kind: EventKind
    fields: frozenset[str] = frozenset()

    def __call__(self, *fields: object) -> Trigger:
        """Return the trigger for changes of these fields, given by name or as ``Book.status``.

        Raises DeclarationError for what is no stored field, and for events that are no changes.
        """
        if self.kind is not EventKind.CHANGED:
            raise DeclarationError(f"{self} concerns whole records, and takes no fields")
        if not fields:
            raise DeclarationError(f"name the fields, or write {self} for changes of any")
        return Trigger(self.model, self.kind, frozenset([_name_of(self.model, each) for each in fields]))

    def __str__(self) -> str:
        told = ", ".join(map(repr, sorted(self.fields)))
        return f"{self.model.__name__}.{self.kind.value}" + (f"({told})" if told else "")


def _name_of(model: Value, given: object) -> str:
    name = given
    if isinstance(given, Expression):
        name = given.path[0] if len(given.path) == 1 else None
    known = [field.name for field in model.__holdall__.stored]
    if not isinstance(name, str) or name not in known:
        if not isinstance(name, str):
            raise DeclarationError(
                f"a field of {model.__name__} is named by its name or as {model.__name__}.{known[0]}"
            )
        raise DeclarationError(f"{model.__name__} has no stored field {name!r}{did_you_mean(name, known)}")
    return name


class Triggers:
    """The part of the metaclass that gives models their triggers; a field of the same name stands before one."""

    __slots__ = ()

    @property
    def created(cls) -> Trigger:  # noqa: N805 - part of a metaclass
        """The events of records that were added."""
        return Trigger(cls, EventKind.CREATED)

    @property
    def changed(cls) -> Trigger:  # noqa: N805 - part of a metaclass
        """The events of records that were changed, in any field or in named ones: ``Book.changed("status")``."""
        return Trigger(cls, EventKind.CHANGED)

    @property
    def deleted(cls) -> Trigger:  # noqa: N805 - part of a metaclass
        """The events of records that were removed."""
        return Trigger(cls, EventKind.DELETED)


def created(model: type[object]) -> Trigger:
    """Return ``Book.created`` of a model that has a field of this name.

    >>> from holdall import created
    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     created: int = 0
    >>> str(created(Page))
    'Page.created'
    """
    return Trigger(model, EventKind.CREATED)


def changed(model: type[object], *fields: object) -> Trigger:
    """Return ``Book.changed``, or ``Book.changed("status")``, of a model that has a field of this name.

    Raises DeclarationError for what is no stored field.

    >>> from holdall import changed
    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     changed: int = 0
    >>> str(changed(Page)), str(changed(Page, "changed"))
    ('Page.changed', "Page.changed('changed')")
    """
    found = Trigger(model, EventKind.CHANGED)
    return found(*fields) if fields else found


def deleted(model: type[object]) -> Trigger:
    """Return ``Book.deleted`` of a model that has a field of this name.

    >>> from holdall import deleted
    >>> class Page(Model):
    ...     id: int = field(pk=True)
    ...     deleted: bool = False
    >>> str(deleted(Page))
    'Page.deleted'
    """
    return Trigger(model, EventKind.DELETED)
