"""A store behind a proxy that fails, what is done to it, and what each of its answers lets one believe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from holdall import Holdall, Model, Session, field
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitUnknown,
    Conflict,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    TaskReport,
)
from holdall.query import Compare, Op, Query
from holdall.session import TaskState
from holdall.store import Change, CommitClass, Outcome, Store, Transactional, Verb
from holdall.testing.proxy import FaultProxy

__all__ = ["BEFORE", "KEPT", "OPERATIONS", "Belief", "Note", "Opened", "Operation", "Subject", "within"]

KEPT = "kept"  # the key of a note that nobody changes
BEFORE = "before"  # the text of notes that are edited
GRACE = 15.0  # seconds a busy machine may take on top of what is promised
PATIENCE = 20.0  # seconds until what must come about in the end has not


class Note(Model):
    id: str = field(pk=True)
    text: str
    version: int = field(version=True)


class Subject(msgspec.Struct, frozen=True):
    """A store to try: where its server listens, and its options; those in ``limits`` only where a fault is to come.

    ``timeout`` is the longest, in seconds, that the limits let one request take, connecting included.
    ``count_connections`` tells how many of ours the server counts, where it does.
    """

    url: str
    timeout: float
    options: Mapping[str, Any]
    limits: Mapping[str, Any]
    count_connections: Callable[[], Awaitable[int]] | None = None

    def open(self, proxy: FaultProxy | None = None) -> Opened:
        """An app over it, through the proxy or directly; nothing fails directly, but a busy machine may be slow."""
        app = Holdall("faults")
        if proxy is None:
            app.add_store("main", self.url, **self.options)
        else:
            app.add_store("main", proxy.through(self.url), **self.options, **self.limits)
        app.add(Note, store="main")
        app.bindings.configure()
        return Opened(app)


class Opened:
    """An app with its one store."""

    def __init__(self, app: Holdall) -> None:
        self.app = app
        self.store: Store = app.stores["main"]
        (self.binding,) = app.collections()

    @property
    def is_atomic(self) -> bool:
        """Whether changes of one call are all applied or none is."""
        return self.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)

    def session(self) -> Session:
        return Session(self.app.bindings)

    async def prepare(self) -> None:
        """The collection, and in it the note that nobody changes."""
        await self.app.create()
        await self.put(KEPT, "as it was")

    async def put(self, key: str, text: str) -> None:
        """Add a note where nothing is in the way, or only what passes."""
        session = self.session()
        session.add(Note(id=key, text=text))
        for _ in range(20):
            try:
                await session.commit()
                return
            except CommitAborted as error:
                if type(error.__cause__) is not Conflict:
                    raise

    async def texts(self, *keys: str) -> dict[str, str]:
        """The notes with these keys that are there."""
        condition = Compare(("id",), Op.IN, keys)
        rows = await self.store.fetch(Query(self.binding.collection, condition))
        return {row[0]: row[1] for row in rows}

    def addition(self, key: str) -> Change:
        values = (key, f"text of {key}", 1)
        return Change(Verb.ADD, self.binding.collection, key, ("id", "text", "version"), values, token=f"add-{key}")


class Belief(msgspec.Struct):
    """What an operation's answer says of each record: it is there, it is not, or (None) nobody knows.

    ``is_atomic`` if the answer is about all of them together. ``error`` is what was raised, ``again`` repeats it where
    the answer says that this is safe.
    """

    of: dict[str, bool | None]
    is_atomic: bool = False
    error: BaseException | None = None
    again: Callable[[], Awaitable[object]] | None = None


Operation = Callable[[Opened, str], Awaitable[Belief]]
"""Does one thing with records whose keys begin with the name, and says what to believe."""


async def fetch(opened: Opened, name: str) -> Belief:
    """Read what is there: the truth, or an error."""
    try:
        assert await opened.texts(KEPT, f"{name} is not here") == {KEPT: "as it was"}
    except StoreError as error:
        return Belief({}, error=error)
    return Belief({})


async def apply_one(opened: Opened, name: str) -> Belief:
    return await _applied(opened, [name])


async def apply_three(opened: Opened, name: str) -> Belief:
    return await _applied(opened, [f"{name} {number}" for number in range(3)])


async def _applied(opened: Opened, keys: list[str]) -> Belief:
    try:
        outcomes = await opened.store.apply([opened.addition(key) for key in keys])
    except StoreError as error:
        return Belief(dict.fromkeys(keys, _raised(error)), opened.is_atomic, error)
    return Belief({key: _settled(outcome) for key, outcome in zip(keys, outcomes, strict=True)})


async def transaction(opened: Opened, name: str) -> Belief:
    assert isinstance(opened.store, Transactional)
    keys = [f"{name} {number}" for number in range(2)]
    try:
        async with opened.store.transaction() as block:
            await block.apply([opened.addition(keys[0])])
            assert await block.fetch(Query(opened.binding.collection, Compare(("id",), Op.EQ, keys[0])))
            await block.apply([opened.addition(keys[1])])
    except StoreError as error:
        return Belief(dict.fromkeys(keys, _raised(error)), True, error)
    return Belief(dict.fromkeys(keys, True), True)


async def session(opened: Opened, name: str) -> Belief:
    """Add two and edit one, by a session, whose records stay as they are where nothing happened."""
    keys = [f"{name} {number}" for number in range(3)]
    session = opened.session()
    session.add_all(Note(id=key, text=f"text of {key}") for key in keys[:2])
    try:
        old = await session.require(Note, keys[2])
    except StoreError as error:
        return Belief(dict.fromkeys(keys, False), True, error)
    old.text = f"text of {keys[2]}"
    try:
        await session.commit()
    except CommitUnknown as error:
        return Belief(dict.fromkeys(keys), opened.is_atomic, error)
    except CommitAborted as error:
        # the server may be held up by the first attempt for longer than that; then nothing is known
        return Belief(dict.fromkeys(keys, False), True, error, partial(session.commit, timeout=3.0))
    except CommitPartial as error:
        assert not opened.is_atomic
        return Belief({task.key: _done(task) for task in error.tasks}, error=error)
    return Belief(dict.fromkeys(keys, True))


OPERATIONS: dict[str, Operation] = {
    "fetch": fetch,
    "apply one": apply_one,
    "apply three": apply_three,
    "transaction": transaction,
    "session": session,
}


def _raised(error: StoreError) -> bool | None:
    lost = isinstance(error, StoreUnavailable | StoreTimeout) and error.is_outcome_unknown
    return None if lost else False


def _done(task: TaskReport) -> bool | None:
    """A call that failed may have been the one whose answer was lost."""
    if task.state == "unknown":
        return None
    if task.state is TaskState.FAILED:
        return _raised(task.error) if isinstance(task.error, StoreError) else False
    return task.state is TaskState.APPLIED


def _settled(outcome: Outcome) -> bool | None:
    if outcome.error is None:
        return True
    assert isinstance(outcome.error, StoreError)
    return _raised(outcome.error)


async def within(seconds: float, work: Awaitable[Any], what: str) -> Any:
    """The result of the work. Fails where it takes longer than so many seconds and the grace a busy machine needs."""
    try:
        async with asyncio.timeout(seconds + GRACE):
            return await work
    except TimeoutError as error:
        raise AssertionError(f"{what} took longer than {seconds} s") from error
