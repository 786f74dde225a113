"""How a record knows its session and remembers its first old values, at the price of one slot.

The slot of a record that no session knows is empty. All clean records of a session share its one ``SessionLink``, all
new ones share one ``InstanceState``; a record that is changed or deleted has an ``InstanceState`` of its own. The cycle
collector does not look at records of plain values, which makes them cheap; so a link holds its session weakly, and a
record that comes to hold another one is shown to the collector.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import msgspec

from holdall.errors import StateError
from holdall.model.state import State
from holdall.query import Key, Value

__all__ = [
    "InstanceState",
    "Record",
    "SessionAccess",
    "SessionLink",
    "Tracked",
    "Trust",
    "changed_of",
    "gc_track",
    "hidden_ends",
    "old_of",
    "old_values_of",
    "set_track",
    "state_of",
    "track_of",
]


Record: TypeAlias = Any
"""A record, of whatever model: an instance of ``Model``, which lies higher; no checker sees its fields from here."""


class SessionAccess(Protocol):
    """The part of a session that its records call. Example: :func:`state_of`."""

    def became_clean(self, record: Record) -> None:
        """The record is clean again: every field has its old value."""

    def watch(self, record: Record) -> None:
        """A mutable value of this clean or dirty record was handed out and may be changed in place."""

    def peek(self, model: type[Any], key: Key) -> Record:
        """The record with this key if it is already loaded, else None."""

    async def load(self, model: type[Any], key: Key) -> Record:
        """The record with this key, or None."""

    def stream_place(self, record: Record, *, is_append: bool) -> tuple[Any, str, Any]:
        """The store, collection and key by which a record's streams are reached."""

    def file_store(self, name: str) -> Record:
        """The file store of this name."""

    async def load_back(self, record: Record, name: str) -> list[Record]:
        """The records of a Many that are kept by their own references."""

    def peek_back(self, record: Record, name: str) -> list[Record] | None:
        """The same if they are loaded, else None."""

    def keep_back(self, record: Record, name: str, found: list[Any] | None) -> None:
        """Take these as the loaded ones; None if they are not known any more."""

    def at_hand(self, model: type[Any]) -> list[Record]:
        """The records of a model that are here and stay, new ones too."""


class Trust(Protocol):
    """The questions of a session's records while code that acts for a store runs. Example: :func:`state_of`."""

    def is_acting(self) -> bool:
        """Whether it is that code that asks: it may write frozen fields, and what it writes is no change."""

    def wrote(self, record: Record, field: Any, value: object) -> None:
        """Note that this code writes the value to the record's field."""


_NOTHING = frozenset[str]()


def _nothing(model: Any) -> frozenset[str]:
    """Hide no end, as sessions of the program itself do."""
    return _NOTHING


class SessionLink(msgspec.Struct, eq=False):
    """A session as its clean records see it, by a weak reference to it.

    ``touch(record)`` notes that a clean record is about to change; it must not hold the session. ``trusted`` is set
    while code that speaks for a store is under way. While a commit is in flight, ``edited`` collects the records that
    are written to, by ``id()``. ``ends`` is what was asked at other ends of references, by the ``id()`` of their record
    and the name; it is held here, as it goes with the records when the session ends. ``is_over`` once the session has
    ended, though somebody may still hold it. ``hidden_ends(model)`` names the stored other ends of references that its
    user may not see, also after its end.

    Example: :func:`state_of`.
    """

    state: ClassVar[State] = State.CLEAN
    old: ClassVar[dict[str, Value] | None] = None

    _session: Callable[[], SessionAccess | None]
    touch: Callable[[Any], object]
    is_over: bool = False
    hidden_ends: Callable[[Any], frozenset[str]] = _nothing
    ends: dict[tuple[int, str], Any] = {}
    trusted: Trust | None = None
    edited: dict[int, Record] | None = None

    @property
    def link(self) -> SessionLink:
        """Itself, as a InstanceState names its own."""
        return self

    @property
    def session(self) -> SessionAccess | None:
        """The session, unless it is gone."""
        return self._session()


class InstanceState(msgspec.Struct, eq=False):
    """The state of one record that is not clean, and the first old value of each changed field.

    ``ends`` is what was asked at its other ends of references while no session knew it, as a SessionLink has it.

    Example: :func:`state_of`.
    """

    link: SessionLink | None
    state: State
    old: dict[str, Value] | None = None
    ends: dict[tuple[int, str], Any] | None = None

    @property
    def session(self) -> SessionAccess | None:
        """The session, unless it is gone or the record was discarded."""
        return self.link.session if self.link is not None else None


class Tracked:
    """The slot itself."""

    __slots__ = ("_track",)
    _track: SessionLink | InstanceState


set_track: Callable[[Any, SessionLink | InstanceState], None] = Tracked.__dict__["_track"].__set__
"""Puts a track into a record's slot, past the record's own ``__setattr__``."""


def gc_track(record: Record) -> None:
    """Show the cycle collector a record that holds another record, so that a circle of them can be freed.

    msgspec does this for values given when a struct is made; for those put into its slots later it is done here.

    Example: :func:`state_of`.
    """
    if not gc.is_tracked(record):
        _gc_track(record)


_gc_track = ctypes.pythonapi.PyObject_GC_Track
_gc_track.argtypes = [ctypes.py_object]
_gc_track.restype = None


def track_of(record: Tracked) -> SessionLink | InstanceState | None:
    """Return the instance state or session link of a record, or None without a session. Example: :func:`state_of`."""
    return getattr(record, "_track", None)  # an exception caught here would cost more than all else in ``add``


def old_of(record: Record) -> dict[str, Value]:
    """Return the first old values of the changed fields of a record that a session knows; none for a clean one.

    Example: :func:`state_of`.
    """
    return record._track.old or {}


def old_values_of(records: Sequence[Record]) -> list[dict[str, Value]]:
    """Return the first old values of the changed fields of each record, all of which are changed.

    Example: :func:`state_of`.
    """
    return [record._track.old for record in records]


def changed_of(records: Sequence[Record]) -> list[Record]:
    """Return those of the records that are dirty; a session knows each of them. Example: :func:`state_of`."""
    dirty = State.DIRTY
    return [record for record in records if record._track.state is dirty]


def hidden_ends(record: Tracked) -> frozenset[str]:
    """The stored other ends of references that the user of the record's session may not see.

    Those of a new record hold what the user gave. Example: :func:`state_of`.
    """
    track = track_of(record)
    if track is None or track.link is None or track.state is State.NEW:
        return _NOTHING
    return track.link.hidden_ends(type(record))


def state_of(record: Tracked) -> State:
    """Return the state of a record.

    >>> from holdall import Model, field, state_of
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> state_of(Book(id=1))
    <State.UNBOUND: 'unbound'>
    """
    try:
        return record._track.state
    except AttributeError:
        if isinstance(record, Tracked):
            return State.UNBOUND
    kind = record.__name__ if isinstance(record, type) else type(record).__name__
    raise StateError(f"state_of takes a record, not {kind}")
