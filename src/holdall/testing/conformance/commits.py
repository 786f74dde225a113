"""Commits of a test: parts of them prepared in the store under test, and let go of when the test ends."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from functools import wraps
from typing import Any, TypeVar

import msgspec
import pytest

from holdall.errors import Conflict, LockConflict, Reserved
from holdall.store import (
    FENCE_PREFIX,
    RESERVATION_FORMAT,
    Change,
    Fence,
    Fencing,
    Hold,
    Outcome,
    Preparable,
    Reservation,
)
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.impatience import impatiently
from holdall.testing.conformance.requires import requires

__all__ = ["Commits", "CommitsOfATest", "Write", "needs_hold"]

_EXPIRES = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
Write = Callable[[], Coroutine[Any, Any, object]]
Test = TypeVar("Test", bound=Callable[..., None])


class Commits:
    """The commits of one test in the store; each has an id of its own."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._begun: list[str] = []

    @property
    def store(self) -> Preparable:
        """The store under test."""
        store = self.case.store
        assert isinstance(store, Preparable)
        return store

    @property
    def hold(self) -> Hold:
        """How the store holds a part, as it says when it is connected."""
        return self.case.run(self.store.hold()) if isinstance(self.case.store, Preparable) else Hold.NONE

    def begin(self, *, expires: dt.datetime = _EXPIRES, number: int = RESERVATION_FORMAT) -> Reservation:
        """The reservation of a new commit, not made yet; ``number`` is its format's."""
        commit = uuid.uuid4().hex
        self._begun.append(commit)
        return Reservation(commit, "conformance", "a home", "the store under test", "a test", expires, number)

    def prepare(self, reservation: Reservation, *changes: Change) -> Sequence[Outcome]:
        """Prepare the part and return the outcomes of the store."""
        return self.case.run(self.store.prepare(reservation, list(changes)))

    def prepared(self, *changes: Change) -> str:
        """The id of a new commit that holds these changes."""
        reservation = self.begin()
        self.prepare(reservation, *changes)
        return reservation.commit

    def fence(self, fence: Fence, commit: str = "") -> str:
        """Set a fence, in place of that of this name; return its name."""
        reservation = self.begin()
        reservation = msgspec.structs.replace(reservation, commit=commit or FENCE_PREFIX + reservation.commit)
        self._begun.append(reservation.commit)
        assert isinstance(self.case.store, Fencing)
        self.case.run(self.case.store.fence(reservation, fence))
        return reservation.commit

    def commit(self, commit: str, *changes: Change) -> bool:
        """Commit the prepared part; return whether the store held it."""
        self.case.forget()  # whatever happens, the content is no longer the fixed one
        return self.case.run(self.store.commit_prepared(commit, list(changes)))

    def roll_back(self, commit: str) -> None:
        """Let go."""
        self.case.run(self.store.roll_back_prepared(commit))

    def held(self) -> dict[str, Reservation]:
        """Everything held, by commit."""
        return {item.commit: item for item in self.case.run(self.store.prepared())}

    def refuses(self, commits: Collection[str], write: Callable[..., Any], *arguments: object) -> Conflict:
        """The refusal of a write that collides with these commits, seen to have written nothing.

        A reservation tells whose it is; of a lock that the server keeps only ``prepared`` does.
        """
        before = self.case.content()
        refusal = self._refusal
        with impatiently(self.case), pytest.raises(refusal) as caught:
            write(*arguments)
        self._judged(caught.value, commits)
        self.case.holds(before)
        return caught.value

    def refuses_each(self, commits: Collection[str], *writes: Write) -> None:
        """See that each of these writes is refused as ``refuses`` says.

        They wait for locks of a server at the same time, as each waits for as long as the store is told to.
        """
        before = self.case.content()
        at_once = [writes] if self.hold is Hold.PREPARED else [[write] for write in writes]
        with impatiently(self.case):
            answers = [answer for each in at_once for answer in self.case.run(_all_of(each))]
        for answer in answers:
            if not isinstance(answer, self._refusal):
                raise answer if isinstance(answer, BaseException) else AssertionError("nothing was refused")
            self._judged(answer, commits)
        self.case.holds(before)

    @property
    def _refusal(self) -> type[Conflict]:
        return LockConflict if self.hold is Hold.PREPARED else Reserved

    def _judged(self, refusal: Conflict, commits: Collection[str]) -> None:
        if isinstance(refusal, Reserved):
            assert set(refusal.commits) == set(commits)
        else:
            assert set(commits) <= set(self.held())
        assert refusal.store == self.case.store.name

    def let_go(self) -> None:
        """Roll back whatever is left of the commits of this test."""
        for commit in self._begun if isinstance(self.case.store, Preparable) else ():
            self.roll_back(commit)


async def _all_of(writes: Sequence[Write]) -> list[object]:
    return await asyncio.gather(*(write() for write in writes), return_exceptions=True)


class CommitsOfATest:
    """Gives tests their ``commits``."""

    @pytest.fixture
    def commits(self, case: Case) -> Iterator[Commits]:
        """The commits of one test; what they still hold when it ends is let go of."""
        commits = Commits(case)
        yield commits
        commits.let_go()


def needs_hold(*holds: Hold) -> Callable[[Test], Test]:
    """Mark a test as one of stores that are ``Preparable`` and hold parts, in one of these ways if any are named."""

    def mark(test: Test) -> Test:
        @requires(Preparable)
        @wraps(test)
        def run(self: Any, case: Case, commits: Commits, **named: object) -> None:
            if commits.hold in (holds or (Hold.RESERVED, Hold.PREPARED)):
                test(self, case, commits, **named)

        return run  # type: ignore[return-value]

    return mark
