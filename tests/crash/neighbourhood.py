"""Run as a script, preloaded: a round of kills in one arena, with neighbours that write the same accounts all the time.

It reads a Round from its input and writes a RoundOutcome. It has no threads, connections or loop of its own while it
forks.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.contention.log import ACKNOWLEDGED, Told
from tests.contention.models import Arena
from tests.contention.worker import Seen, look
from tests.crash.failpoints import DULL, SETTLING, Failpoint
from tests.crash.forks import Child
from tests.crash.graves import Graves
from tests.crash.victim import DIED, Act, Life, live, neighbour

__all__ = ["Round", "RoundOutcome"]

_TOUCH_SECONDS = 2.0
_START_SECONDS = 5.0
_READY_SECONDS = 20.0
_LONGEST_LIFE = 5.0  # seconds, on a busy machine
_MOVES = 15  # commits and tries after which a life that did not come to its point dies anyway
_KEEN = 0.9  # of deaths at a point, those that leave something to settle
_MORTAL_PAUSE = 0.01  # seconds at most, between what they do
_LIVES = 4  # at most, for each kill


class Round(msgspec.Struct, frozen=True):
    """So many kills in one arena. Without ``neighbours`` each is followed by a start or a touch, which must do."""

    arena: Arena
    kills: int
    neighbours: int
    seed: int


class RoundOutcome(msgspec.Struct):
    """What came of it. ``kills`` are counted by kind; times in seconds.

    ``late`` are sentences on dead commits that were not whole in time, ``slowest_whole`` is how long the slowest of
    those that were took; ``slowest_move`` is a neighbour's. ``said`` is what lives complained of.
    """

    kinds: tuple[str, ...]
    variant: str
    kills: dict[str, int]
    acknowledged: int
    dead: int
    partial: int
    late: list[str]
    slowest_whole: float
    slowest_move: float
    points: list[str]
    said: list[str]
    seconds: float
    seen: Seen

    @property
    def is_clean(self) -> bool:
        """Whether everything holds that must."""
        return self.seen.is_clean and not self.late and not self.said and not self.partial


class Neighbourhood:
    """The lives of one round, one after the other."""

    def __init__(self, job: Round) -> None:
        self._job = job
        self._arena = job.arena
        self._chance = random.Random(job.seed)
        self._graves = Graves(job.arena)
        self._number = 0
        self._mortals: list[tuple[Life, Child]] = []
        self._kills: Counter[str] = Counter()
        self._said: list[str] = []

    def run(self) -> RoundOutcome:
        """Everything, to the audit."""
        began = time.monotonic()
        self._done(Child(lambda _: asyncio.run(_begin(self._arena))), 60.0)
        names = [f"n{number}" for number in range(self._job.neighbours)]
        others = [Child(self._neighbour(name)) for name in names]
        for _ in range(self._job.kills * _LIVES):
            if self._kills.total() - self._kills["idle"] >= self._job.kills:
                break
            self._kill_one()
        self._end_mortals()
        self._graves.await_whole(_START_SECONDS)
        for other in others:
            other.kill(signal.SIGTERM)
        for other in others:
            self._done(other, 60.0)
        logs = [Path(self._arena.folder) / f"{name}.log" for name in (*names, "victim")]
        seen = asyncio.run(look(self._arena, logs))
        return self._outcome(seen, Told.of(logs), time.monotonic() - began)

    def _neighbour(self, name: str) -> Callable[[Callable[[], None]], None]:
        return lambda _: neighbour(self._arena, name)

    def _outcome(self, seen: Seen, told: Told, seconds: float) -> RoundOutcome:
        ended = told.ended.values()
        if seen.recovery > _START_SECONDS:
            self._graves.late.append(f"late: a start took {seen.recovery:.1f} s to settle what was left")
        return RoundOutcome(
            kinds=self._arena.kinds,
            variant=self._arena.variant,
            kills=dict(self._kills),
            acknowledged=sum(item.end in ACKNOWLEDGED for item in ended),
            dead=self._graves.buried,
            partial=sum(item.end == "CommitPartial" for item in ended),
            late=self._graves.late,
            slowest_whole=round(self._graves.slowest, 3),
            slowest_move=round(max((item.move for item in ended), default=0.0), 3),
            points=sorted({point for _, point in self._passed()} - {DIED}),
            said=self._said[:5],
            seconds=round(seconds, 1),
            seen=seen,
        )

    # --- lives ------------------------------------------------------------------------------------------------------

    def _kill_one(self) -> None:
        """One more victim, and whoever dies of settling what it left."""
        if self._job.neighbours:
            self._keep_mortals()
        if self._chance.random() < 0.3:
            self._live(Act.WRITE, delay=self._chance.random() * 0.06)
        else:
            self._live(Act.WRITE, self._commit_point())
        if self._job.neighbours:
            self._graves.look(_START_SECONDS)  # a neighbour need not touch that very record at once
            return
        self._live(self._chance.choice((Act.RECOVER, Act.WRITE)), self._chance.choice(SETTLING))
        # an entry that was added is met by nobody else, so that only a start can be asked to find it
        acts = (Act.START,) if self._arena.variant == "entries" else (Act.START, Act.TOUCH)
        self._probe(self._chance.choice(acts))

    def _commit_point(self) -> Failpoint:
        known = sorted({point for _, point in self._passed()} - {DIED})
        points = [Failpoint[name] for name in known if Failpoint[name] not in SETTLING]
        if self._chance.random() < _KEEN:
            points = [point for point in points if point not in DULL]
        return self._chance.choice(points or list(Failpoint))

    def _passed(self) -> list[tuple[str, str]]:
        """Lives and the points that they passed."""
        path = Path(self._arena.folder) / "points"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(life, point) for life, _, point in (line.partition(" ") for line in lines)]

    def _drawn(
        self, act: Act, point: Failpoint | None = None, after: int = 0, pause: float = 0.0, moves: int = 0
    ) -> Life:
        self._number += 1
        name = f"v{self._job.seed}x{self._number}"
        accounts = self._graves.accounts if act is Act.TOUCH else []
        return Life(self._arena, name, act, point, after, accounts, pause, moves)

    def _born(self, life: Life) -> Child:
        return Child(lambda ready: live(life, ready))

    def _live(self, act: Act, point: Failpoint | None = None, delay: float | None = None) -> None:
        """A life to its end, by its point or from outside; ``delay`` in seconds from when it is ready."""
        after = self._chance.randrange(2) if point is not None and point not in SETTLING else 0
        life = self._drawn(act, point, after, moves=_MOVES)
        child = self._born(life)
        if child.await_ready(_READY_SECONDS):
            child.await_end(_LONGEST_LIFE if delay is None else delay)
        child.kill()
        self._bury(life, child)

    def _keep_mortals(self) -> None:
        """A writer and a recovery that die of settling others' commits, each replaced when it did."""
        living = []
        for life, child in self._mortals:
            if child.has_ended():
                self._bury(life, child)
            else:
                living.append((life, child))
        self._mortals = living
        for act in {Act.WRITE, Act.RECOVER} - {life.act for life, _ in living}:
            life = self._drawn(act, self._chance.choice(SETTLING), self._chance.randrange(2), _MORTAL_PAUSE)
            self._mortals.append((life, self._born(life)))

    def _end_mortals(self) -> None:
        for life, child in self._mortals:
            child.kill()
            self._bury(life, child)
        self._mortals.clear()

    def _bury(self, life: Life, child: Child) -> None:
        is_killed, words = child.reap()
        if words or not is_killed:
            self._said.append(f"a life ended by itself: {words}")
        self._kills[self._kind(life)] += 1
        self._graves.bury("victim", life.name)

    def _kind(self, life: Life) -> str:
        """What was killed: a recovery or a helper at work, a commit at a point or at any moment; or an idle one."""
        passed = {point for name, point in self._passed() if name == life.name}
        if life.act is Act.RECOVER:
            return "recovery" if passed & {point.name for point in SETTLING} else "idle"
        if DIED in passed:
            return "helper" if life.point in SETTLING else "point"
        return "moment"

    def _probe(self, act: Act) -> None:
        """Start a program, or touch what is left: all must be whole in time."""
        life = self._drawn(act)
        child = self._born(life)
        child.await_ready(_READY_SECONDS)
        self._graves.begin_anew()
        self._graves.await_whole(_START_SECONDS if act is Act.START else _TOUCH_SECONDS)
        self._graves.forget()
        child.kill()
        _, words = child.reap()
        if words:
            self._said.append(f"{act} ended by itself: {words}")
        self._graves.bury("victim", life.name)

    def _done(self, child: Child, seconds: float) -> None:
        if not child.await_end(seconds):
            child.kill()
            self._said.append(f"a child took longer than {seconds} s")
        _, words = child.reap()
        if words:
            self._said.append(words)


async def _begin(arena: Arena) -> None:
    app = arena.app()
    await arena.begin(app)
    await app.close()


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Round)
    sys.stdout.buffer.write(msgspec.json.encode(Neighbourhood(job).run()))


if __name__ == "__main__":
    main()
