"""What makes actors of one test process look like processes: names of owners, ids of commits, and the time."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

from holdall.app.moving import KnownMoves
from holdall.session.commit.run import several_stores
from holdall.session.commit.two_phase import idempotent_apply, make_way, take_back
from holdall.session.journal import journal, owner, row
from holdall.store import Store
from tests.session.interleaving.virtual_loop import ACTOR, Actor

__all__ = ["Processes"]

_EPOCH = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


class Processes:
    """The processes of the schedule that runs now; set ``actors``, ``time`` and ``journal`` for each."""

    def __init__(self) -> None:
        self.actors: dict[int, Actor] = {}
        self.sees_death = True
        self.time = 0.0
        self.journal: Store | None = None
        self.commits: dict[str, Actor] = {}  # filled as ids are made
        self.errors: list[str] = []  # what was logged as an error in this schedule
        self._count = 0

    def begin(self, actors: list[Actor], commits: dict[str, Actor], journal: Store, *, sees_death: bool) -> None:
        """Begin the next schedule."""
        self.actors = {actor.number: actor for actor in actors}
        self.commits, self.journal, self.sees_death, self._count = commits, journal, sees_death, 0
        self.errors.clear()

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Within the block, the session asks here who it is and what time it is."""
        logger = logging.getLogger("holdall")
        level, handler = logger.level, _Keeping(self.errors)
        logger.setLevel(logging.ERROR)  # what is less is no finding, and takes time
        logger.addHandler(handler)
        clock = SimpleNamespace(datetime=SimpleNamespace(now=self._now), UTC=dt.UTC)
        with ExitStack() as stack:
            for owned, name, value in (
                (row, "dt", clock),
                (owner, "_owner_of", self._owner_of),
                (owner, "is_known_gone", self._is_known_gone),
                (owner, "_under_way", _UnderWay()),
                (several_stores, "uuid7_hex", lambda: self._id("c")),
                (take_back, "uuid7_hex", lambda: self._id("undo")),
                (journal, "new_identity", lambda: self._id("journal")),
                (journal, "open_store", lambda name, url: self.journal),
                (make_way, "spread", lambda pause: pause),
                (make_way, "_FIRST_PAUSE", 0.25),
                (make_way, "_LONGEST_PAUSE", 1.0),
                (idempotent_apply, "_FIRST_PAUSE", 0.5),
                (KnownMoves, "is_due", False),  # sessions look for moved collections by a real clock
            ):
                stack.enter_context(mock.patch.object(owned, name, value))
            stack.callback(logger.setLevel, level)
            stack.callback(logger.removeHandler, handler)
            yield

    def _now(self, zone: Any) -> dt.datetime:
        return _EPOCH + dt.timedelta(seconds=self.time)

    def _id(self, kind: str) -> str:
        self._count += 1
        actor = ACTOR.get()
        text = f"{kind}{self._count}-{actor.name}"
        if kind != "journal":
            self.commits[text] = actor
        return text

    @staticmethod
    def _owner_of(pid: int) -> str:
        return str(ACTOR.get().number)

    def _is_known_gone(self, name: str) -> bool:
        return self.sees_death and self.actors[int(name)].is_dead


class _Keeping(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        self._errors.append(f"{record.getMessage()} {record.exc_info and record.exc_info[1]!r}")


class _UnderWay:
    """The commits that the process of the present actor has under way."""

    def __getitem__(self, commit: str) -> int:
        return ACTOR.get().under_way[commit]

    def __setitem__(self, commit: str, number: int) -> None:
        ACTOR.get().under_way[commit] = number

    def __delitem__(self, commit: str) -> None:
        del ACTOR.get().under_way[commit]

    def __contains__(self, commit: str) -> bool:
        return commit in ACTOR.get().under_way
