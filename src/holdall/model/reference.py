"""References: the handle that reading ``book.author`` gives, and the ``Ref`` a model declares it with."""

from __future__ import annotations

from collections.abc import Callable, Generator
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, cast, get_args, get_origin, overload
from uuid import UUID

from holdall.errors import NotFound, NotLoaded, StateError
from holdall.model.gateway import gateway_of
from holdall.model.names import Names
from holdall.model.target import Target
from holdall.model.tracking import Record, SessionAccess, SessionLink, Tracked, track_of
from holdall.query import Key

__all__ = [
    "GivenKey",
    "Ref",
    "Reference",
    "Slot",
    "belong_to",
    "is_handle_of",
    "key_of_value",
    "mentions_reference",
    "record_in",
    "session_of",
]

T = TypeVar("T")
M = TypeVar("M", bound=Tracked)

GivenKey: TypeAlias = int | str | UUID | tuple[Any, ...]
"""What names a record in its collection: a scalar, or a tuple where the key has several fields."""


class Slot(Protocol):
    """Where a record keeps a reference."""

    def fill(self, record: Record, found: object) -> None:
        """Keep the record that was found for the key, unless the slot has been given another value."""


class Reference(Generic[T]):
    """A handle on a referenced record: its ``key``, whether it is ``loaded``, its attributes once it is.

    ``await`` loads it, or gives None where the reference is empty; NotFound if it points at nothing. The session of the
    record that refers to the other loads that one; without it the active session does, or one made for this act. Two
    references are equal if they lead to the same key, or to the same record.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author]
    >>> book = Book(id=1, author=7)
    >>> book.author.key, book.author.loaded, book.author.record
    (7, False, None)
    >>> book.author.name
    Traceback (most recent call last):
    holdall.errors.NotLoaded: Author is not loaded; await the reference, or session.load() it, before reading .name
    """

    __slots__ = ("_key", "_owner", "_record", "_slot", "_target")

    def __init__(
        self, target: Any, key: Key = None, record: Record = None, owner: Record = None, slot: Slot | None = None
    ) -> None:
        self._target = target
        self._key = key
        self._record: T | None = record
        self._owner = owner
        self._slot = slot

    @property
    def key(self) -> Key:
        """The key of the record, or None where there is none (yet)."""
        record: Record = self._record
        return record.__key__() if record is not None else self._key

    @property
    def record(self) -> T | None:
        """The record, if it is at hand without loading."""
        if self._record is None and self._key is not None:
            session = session_of(self._owner)
            if session is not None:
                self._take(session.peek(self._target(), self._key))
        return self._record

    @property
    def loaded(self) -> bool:
        """Whether reading an attribute works without ``await``."""
        return self.record is not None

    def __await__(self) -> Generator[Any, Any, T]:
        return self._load().__await__()

    async def _load(self) -> T:
        if self.record is None and self._key is not None:
            session, target = session_of(self._owner), self._target()
            if session is not None:
                self._take(await session.load(target, self._key))
            else:
                async with gateway_of(target) as act:
                    self._take(await act.session.get(target, self._key))
            if self._record is None:
                raise NotFound(self._target_name(), self._key)
        return cast("T", self._record)  # None only where that is among what T allows

    def _take(self, record: Record) -> None:
        """Keep the record found for the key, here and in the record that refers to it."""
        self._record = record
        if record is not None and self._slot is not None:
            self._slot.fill(self._owner, record)

    def _target_name(self) -> str:
        name: str = self._target().__name__
        return name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        record = self.record
        if record is None:
            raise NotLoaded(self._target_name(), name, is_empty=not self)
        return getattr(record, name)

    def __bool__(self) -> bool:
        return self._record is not None or self._key is not None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Reference):
            if self._record is not None and self._record is other._record:
                return True
            return self.key == other.key and (self.key is not None or (not self and not other))
        if isinstance(other, Tracked):
            return self._record is other or (self.key is not None and self.key == key_of_value(other))
        return bool(self.key == other)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Reference({self._target_name()}, {self.key!r})"

    def __copy__(self) -> Reference[T]:
        return Reference(self._target, self._key, self._record)

    def __deepcopy__(self, memo: object) -> Reference[T]:
        return copy(self)  # what it leads to is no part of what holds it

    def __reduce__(self) -> tuple[Callable[..., Reference[T]], tuple[Record, Key]]:
        if self.key is None and self._record is not None:
            place = f"a handle on a {self._target_name()}"
            raise StateError(f"{place} refers to a record without a key: commit it before pickling")
        return _rebuilt, (self._target(), self.key)


def _rebuilt(model: Record, key: Key) -> Reference[Record]:
    return Reference(Target(model.__name__, True, model, Names("", {})), key)


def record_in(reference: Reference[Any]) -> Record:
    """Return the record that a reference holds, or None; nothing is looked for, as reading ``record`` does.

    Example: :class:`Reference`.
    """
    return reference._record


class _Part:
    """Stands for the record in whose value a handle lies, and does not hold it: that one holds the handle."""

    __slots__ = ("_track",)

    def __init__(self, track: SessionLink) -> None:
        self._track = track


def is_handle_of(reference: Reference[Record], target: object) -> bool:
    """Whether a handle leads into this target. Example: :class:`Reference`."""
    return reference._target is target


def belong_to(reference: Reference[Record], link: SessionLink) -> None:
    """Have a handle inside a value load its record by this session. Example: :class:`Reference`."""
    owner = reference._owner
    if owner.__class__ is not _Part or owner._track is not link:
        reference._owner = _Part(link)


def session_of(owner: Tracked | None) -> SessionAccess | None:
    """Return the session that keeps this record, or None. Example: :class:`Reference`."""
    track = track_of(owner) if owner is not None else None
    return track.session if track is not None else None


def key_of_value(value: object) -> Key:
    """The key in what a reference slot may hold: a Reference, a record, a key or None."""
    if isinstance(value, Reference):
        return value.key
    return _key_of(value) if isinstance(value, Tracked) else value


def _key_of(record: Record) -> Key:
    return record.__key__()


class Ref(Generic[T]):
    """Declares a reference to one record: ``author: Ref[Author]``, or ``Ref[Author | None]`` where it may be empty.

    Assign a record, a key or a reference; reading gives a Reference; on the class it is an expression whose
    attributes lead on: ``Book.author.country``.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author]
    >>> Book(id=1, author=Author(id=7, name="Jane")).author.name
    'Jane'
    """

    if TYPE_CHECKING:  # what a checker sees of an item of tuple[Ref[Author], ...], which is a Reference

        @property
        def key(self) -> Key:
            """The key of the record."""

        @property
        def loaded(self) -> bool:
            """Whether the record is at hand."""

        def __await__(self) -> Generator[Any, Any, T]: ...

    @overload
    def __get__(self: Ref[M | None], instance: None, owner: object) -> type[M]: ...
    @overload
    def __get__(self: Ref[M], instance: None, owner: object) -> type[M]: ...
    @overload
    def __get__(self, instance: object, owner: object) -> Reference[T]: ...
    def __get__(self, instance: object | None, owner: object) -> Any:
        """A Reference on a record."""
        raise AttributeError

    def __set__(self, instance: object, value: T | Reference[T] | GivenKey) -> None:
        """Point at another record."""
        raise AttributeError


def mentions_reference(annotation: object) -> bool:
    """Whether an annotation is a Ref, or has one in its brackets.

    >>> class Tag(Model):
    ...     name: str = field(pk=True)
    >>> mentions_reference(list[Ref[Tag]]), mentions_reference(list[Tag])
    (True, False)
    """
    return get_origin(annotation) is Ref or any(map(mentions_reference, get_args(annotation)))
