"""Many: the records that refer back to this one, or a list of references kept here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from typing import Any, Generic, TypeGuard, TypeVar, overload

from holdall.errors import NotLoaded
from holdall.model.inverse_edits import link, unlink
from holdall.model.one_back import load_back
from holdall.model.reference import GivenKey, Reference, session_of
from holdall.model.tracking import Record, Tracked
from holdall.query import AnyExpression, Key

__all__ = ["Many", "Related"]

M = TypeVar("M", bound=Tracked)


class Related(Generic[M]):
    """The handle that reading a Many gives: ``await`` it for the list of records, or iterate with ``async for``.

    Where the references are kept here, or were loaded with ``session.load``, it is also a collection of them: ``len``,
    ``in`` and iteration need no ``await``. ``add`` and ``remove`` change them, from whichever end they are kept.

    >>> class Tag(Model):
    ...     name: str = field(pk=True)
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     tags: Many[Tag]
    >>> book = Book(id=1, tags=["old", "short"])
    >>> book.tags.add("good")
    >>> book.tags.remove("old")
    >>> book.tags.keys, "good" in book.tags, book.tags.loaded
    (('short', 'good'), True, True)
    """

    __slots__ = ("_name", "_owner", "_references")

    def __init__(self, owner: Record, name: str, references: tuple[Reference[M], ...] | None) -> None:
        self._owner = owner
        self._name = name
        self._references = references

    def __await__(self) -> Generator[Any, Any, list[M]]:
        return self._load().__await__()

    async def _load(self) -> list[M]:
        if self._references is not None:
            return [await reference for reference in self._references]
        found: list[M] = await load_back(self._owner, self._name)
        return found

    async def __aiter__(self) -> AsyncIterator[M]:
        for record in await self:
            yield record

    @property
    def loaded(self) -> bool:
        """Whether the references can be read without ``await``."""
        return self._references is not None or self._found() is not None

    def add(self, item: M | Reference[M] | GivenKey) -> None:
        """Add a record, a reference or a key; nothing happens if the list has it. At the other end of references, the
        record's own reference leads here from now on.

        Raises ValidationError for what cannot be one of them.
        """
        if self._is_other_end:
            link(self._owner, self._name, item)
        elif item not in self:
            setattr(self._owner, self._name, (*self._kept(), item))
        self._renew()

    def remove(self, item: M | Reference[M] | GivenKey) -> None:
        """Remove a record, a reference or a key. Raises ValidationError where the record's own reference cannot be
        empty.
        """
        if self._is_other_end:
            unlink(self._owner, self._name, item)
        else:
            setattr(self._owner, self._name, [other for other in self._kept() if other != item])
        self._renew()

    @property
    def _is_other_end(self) -> bool:
        return type(self._owner).__holdall__.by_name[self._name].options.back is not None

    def _renew(self) -> None:
        if self._references is not None:
            self._references = getattr(self._owner, self._name)._references

    def _found(self) -> list[M] | None:
        session = session_of(self._owner)
        return None if session is None else session.peek_back(self._owner, self._name)

    def _kept(self) -> tuple[Reference[M], ...]:
        if self._references is not None:
            return self._references
        found = self._found()
        if found is None:
            raise NotLoaded(type(self._owner).__name__, self._name, is_end=True)
        target = type(self._owner).__holdall__.by_name[self._name].target
        return tuple([Reference(target, record=record) for record in found])

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the records. Raises NotLoaded where they are neither kept here nor loaded."""
        return tuple(reference.key for reference in self._kept())

    def __len__(self) -> int:
        return len(self._kept())

    def __iter__(self) -> Iterator[Reference[M]]:
        return iter(self._kept())

    def __contains__(self, item: object) -> bool:
        return any(reference == item for reference in self._kept())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Related):
            return self._references == other._references and self._owner is other._owner
        return self.loaded and self.keys == tuple(other) if _is_collection(other) else False

    def __repr__(self) -> str:
        return f"Related({self._name}, {self.keys if self.loaded else 'not loaded'})"


def _is_collection(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable) and not isinstance(value, Tracked)


class Many(Generic[M]):
    """Declares many references: ``books: Many["Book"] = back("author")``, or ``tags: Many[Tag]`` to keep them here.

    Example: :class:`Related`.
    """

    @overload
    def __get__(self, instance: None, owner: object) -> AnyExpression: ...
    @overload
    def __get__(self, instance: object, owner: object) -> Related[M]: ...
    def __get__(self, instance: object | None, owner: object) -> Any:
        """The related records."""
        raise AttributeError

    def __set__(self, instance: object, value: Iterable[M | Reference[M] | GivenKey]) -> None:
        """Keep these references instead."""
        raise AttributeError
