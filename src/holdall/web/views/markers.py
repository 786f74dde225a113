"""Marks on the fields of a view's schemas: shown only, taken only, and references by key."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import msgspec

from holdall.errors import DeclarationError
from holdall.model import Model

__all__ = ["IDRef", "Marks", "MustExist", "ReadOnly", "WriteOnly", "marks_of", "unmarked"]

T = TypeVar("T")


class _ReadOnly:
    """The field is shown and never taken."""


class _WriteOnly:
    """The field is taken and never shown, filtered or sorted by."""


class _Refers(msgspec.Struct, frozen=True):
    """The field is the key of a record."""

    model: type[Model] | None


READ_ONLY, WRITE_ONLY = _ReadOnly(), _WriteOnly()

ReadOnly = Annotated[T, READ_ONLY]
"""A field that is shown and never taken: ``created: ReadOnly[datetime]``. Example: :class:`AsyncRestView`."""

WriteOnly = Annotated[T, WRITE_ONLY]
"""A field that is taken and never shown: ``password: WriteOnly[str]``. Example: :class:`AsyncRestView`."""


class MustExist(Generic[T]):
    """The type of a field that is the key of a record which must be there: ``author: MustExist[int, Author]``.

    A record that is not there, or not for this user, is refused when the change is committed. Without a model the field
    of the same name tells which one it is.

    >>> MustExist[int].__metadata__[0].model is None
    True
    """

    def __class_getitem__(cls, item: Any) -> Any:
        key, model = item if isinstance(item, tuple) else (item, None)
        return Annotated[key, _Refers(model)]


class IDRef(Generic[T]):
    """The type of a field that shows and takes a reference by its key: ``author: IDRef[Author]``.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    >>> IDRef[Author].__metadata__[0].model is Author
    True
    """

    def __class_getitem__(cls, model: Any) -> Any:
        if not (isinstance(model, type) and issubclass(model, Model)):
            raise DeclarationError("IDRef takes a model, as in IDRef[Author]")
        return Annotated[Any, _Refers(model)]


class Marks(msgspec.Struct, frozen=True):
    """The marks on a field of a schema."""

    is_read_only: bool = False
    is_write_only: bool = False
    refers: bool = False
    target: type[Model] | None = None


def marks_of(annotation: object, metadata: tuple[Any, ...] = ()) -> Marks:
    """Return the marks on an annotation. Raises DeclarationError where one is buried in another type."""
    found = [*metadata]
    while get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        found.extend(inner)
    if any(_has_direction(part) for part in get_args(annotation)):
        raise DeclarationError("ReadOnly and WriteOnly stand outside: write ReadOnly[str | None]")
    references = [item for item in found if isinstance(item, _Refers)]
    return Marks(READ_ONLY in found, WRITE_ONLY in found, bool(references), references[0].model if references else None)


def unmarked(annotation: object) -> Any:
    """Return an annotation without the marks of this module on it."""
    if get_origin(annotation) is not Annotated:
        return annotation
    plain, *rest = get_args(annotation)
    kept = tuple(item for item in rest if not isinstance(item, _ReadOnly | _WriteOnly | _Refers))
    return Annotated[(plain, *kept)] if kept else plain


def _has_direction(annotation: object) -> bool:
    if get_origin(annotation) is Annotated and {READ_ONLY, WRITE_ONLY} & set(_hashable(get_args(annotation)[1:])):
        return True
    return any(_has_direction(part) for part in get_args(annotation))


def _hashable(items: tuple[Any, ...]) -> list[Any]:
    return [item for item in items if isinstance(item, _ReadOnly | _WriteOnly)]
