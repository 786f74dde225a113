"""The activity of a session, as each task sees it, and the records that hand-written code may write meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum

from holdall.model import Field, Record, State, track_of
from holdall.query import Value
from holdall.session.identity import IdentityMap
from holdall.store import reset_here

__all__ = ["SessionActivity", "SessionState"]


class SessionState(Enum):
    """The activity of a session in this task: code called by the session sees it, other tasks do not.

    >>> async def example() -> SessionState:
    ...     async with Holdall("library").session() as session:
    ...         return session.state
    >>> import asyncio
    >>> asyncio.run(example())
    <SessionState.STANDBY: 'standby'>
    """

    STANDBY = "standby"
    GET = "get"
    ADD = "add"
    COMMIT = "commit"
    ROLLBACK = "rollback"


class _Frame:
    __slots__ = ("activity", "record", "state")

    def __init__(self, activity: SessionActivity, state: SessionState, record: Record) -> None:
        self.activity: SessionActivity | None = activity  # until it is over, as what was started within may outlive it
        self.state = state
        self.record = record


_frames: ContextVar[tuple[_Frame, ...]] = ContextVar("holdall_phases", default=())


class SessionActivity:
    """The activity of one session. While DAOs and query functions are under way, it is what its records trust."""

    _open = 0

    def __init__(self, records: IdentityMap) -> None:
        self._link = records.link
        self._records = records

    @property
    def state(self) -> SessionState:
        """The activity of the session for the caller."""
        frame = self._frame()
        return SessionState.STANDBY if frame is None else frame.state

    def _frame(self) -> _Frame | None:
        return next((frame for frame in reversed(_frames.get()) if frame.activity is self), None)

    @contextmanager
    def entered(self, state: SessionState, record: Record = None) -> Iterator[None]:
        """Within the block, the session is doing this, with this record, for the caller and the tasks he starts."""
        frame = _Frame(self, state, record)
        token = _frames.set((*_frames.get(), frame))
        self._open += 1
        self._link.trusted = self
        try:
            yield
        finally:
            frame.activity = frame.record = None
            reset_here(_frames, token)
            self._open -= 1
            if not self._open:
                self._link.trusted = None

    def is_acting(self) -> bool:
        """Whether the caller speaks for a store."""
        return self.state is not SessionState.STANDBY and self.state is not SessionState.ADD

    def wrote(self, record: Record, field: Field, value: Value) -> None:
        """A DAO or a query function says what its store has for this field.

        While a record is being written itself, its changed fields stay changed: the call may yet fail.
        """
        track, frame = track_of(record), self._frame()
        if field.options.pk:
            key = self._records.stored_key(record)
            field.put(record, value)
            self._records.rekey(record, key)
        if frame is not None and frame.state is SessionState.COMMIT and frame.record is record:
            self._records.assigned_by_dao.setdefault(id(record), {})[field.name] = field.encode(value)
        elif track is not None and track.old is not None:
            track.old.pop(field.name, None)
            if not track.old and track.state is State.DIRTY:
                self._records.states.move(record, State.CLEAN)
        if field in record.__holdall__.mutable:
            self._records.watcher.forget(record, field.name)
