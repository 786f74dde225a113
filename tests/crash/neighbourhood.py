"""Run as a script: one round of kills in one arena, with neighbours that write the same accounts all the while.

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

import holdall.stores.mongo
import holdall.stores.redis
import holdall.stores.sql
import holdall.stores.sql.postgres
import holdall.stores.sql.sqlite
import holdall.stores.yaml  # noqa: F401
from tests.contention.audit import standing
from tests.contention.log import ACKNOWLEDGED, Begun, Told
from tests.contention.models import Arena
from tests.contention.raw import present
from tests.contention.worker import Seen, look
from tests.crash.failpoints import RECOVERING, Failpoint
from tests.crash.forks import Child
from tests.crash.victim import Act, Life, live, neighbour

__all__ = ["Round", "RoundOutcome"]

_TOUCH_SECONDS = 2.0
_START_SECONDS = 5.0
_READY_SECONDS = 20.0
_LONGEST_LIFE = 0.2  # seconds after which a life that did not come to its point is killed anyway
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
        self._told = Told()
        self._dead: dict[str, tuple[Begun, float]] = {}  # not yet whole, since when
        self._is_told_late: set[str] = set()
        self._number = 0
        self.kills: Counter[str] = Counter()
        self.dead = 0
        self.late: list[str] = []
        self.said: list[str] = []
        self.slowest_whole = 0.0

    def run(self) -> RoundOutcome:
        """Everything, to the audit."""
        began = time.monotonic()
        self._done(Child(lambda _: asyncio.run(_begin(self._arena))), 60.0)
        names = [f"n{number}" for number in range(self._job.neighbours)]
        others = [Child(self._neighbour(name)) for name in names]
        for _ in range(self._job.kills * _LIVES):
            if self.kills.total() - self.kills["idle"] >= self._job.kills:
                break
            self._kill_one()
        self._await_whole()
        for other in others:
            other.kill(signal.SIGTERM)
        for other in others:
            self._done(other, 60.0)
        logs = [Path(self._arena.folder) / f"{name}.log" for name in (*names, "victim")]
        seen = asyncio.run(look(self._arena, logs))
        self._told.read(logs)
        return self._outcome(seen, time.monotonic() - began)

    def _neighbour(self, name: str) -> Callable[[Callable[[], None]], None]:
        return lambda _: neighbour(self._arena, name)

    def _outcome(self, seen: Seen, seconds: float) -> RoundOutcome:
        ended = self._told.ended.values()
        return RoundOutcome(
            kinds=self._arena.kinds,
            variant=self._arena.variant,
            kills=dict(self.kills),
            acknowledged=sum(item.end in ACKNOWLEDGED for item in ended),
            dead=self.dead,
            partial=sum(item.end == "CommitPartial" for item in ended),
            late=self.late,
            slowest_whole=round(self.slowest_whole, 3),
            slowest_move=round(max((item.move for item in ended), default=0.0), 3),
            points=self._points(),
            said=self.said[:5],
            seconds=round(seconds, 1),
            seen=seen,
        )

    # --- lives ------------------------------------------------------------------------------------------------------

    def _kill_one(self) -> None:
        """One more victim; and where nobody else is there, one who only starts, or only touches."""
        if self._chance.random() < 0.4:
            self._live(Act.WRITE, delay=self._chance.random() * 0.06)
        else:
            self._live(Act.WRITE, self._commit_point())
        if self._chance.random() < 0.5:
            act = self._chance.choice((Act.RECOVER, Act.WRITE))
            delay = self._chance.random() * 0.03 if act is Act.RECOVER and self._chance.random() < 0.3 else None
            self._live(act, self._chance.choice(RECOVERING), delay)
        if not self._job.neighbours:
            self._probe(self._chance.choice((Act.START, Act.TOUCH)))
        else:
            self._look_at_dead(_TOUCH_SECONDS)

    def _commit_point(self) -> Failpoint:
        known = [Failpoint[name] for name in self._points() if Failpoint[name] not in RECOVERING]
        return self._chance.choice(known or list(Failpoint))

    def _points(self) -> list[str]:
        return sorted({point for _, point in self._passed()})

    def _passed(self) -> list[tuple[str, str]]:
        """Lives and the points that they passed."""
        path = Path(self._arena.folder) / "points"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(life, point) for life, _, point in (line.partition(" ") for line in lines)]

    def _live(self, act: Act, point: Failpoint | None = None, delay: float | None = None) -> None:
        """A life to its end, by its point or from outside; ``delay`` in seconds from when it is ready."""
        self._number += 1
        after = self._chance.randrange(3) if point is not None and point not in RECOVERING else 0
        life = Life(self._arena, f"v{self._job.seed}x{self._number}", act, point, after)
        child = Child(lambda ready: live(life, ready))
        is_at_point = child.await_ready(_READY_SECONDS) and child.await_end(_LONGEST_LIFE if delay is None else delay)
        child.kill()  # it may have ended, but is not reaped
        is_killed, words = child.reap()
        if words or not is_killed:
            self.said.append(f"a life ended by itself: {words}")
        self.kills[self._kind(life, is_at_point)] += 1
        self._bury()

    def _kind(self, life: Life, is_at_point: bool) -> str:
        """What was killed: a recovery or a helper at work, a commit at a point or at any moment; or an idle one."""
        is_helping = any(name == life.name and Failpoint[point] in RECOVERING for name, point in self._passed())
        if life.act is Act.RECOVER:
            return "recovery" if is_helping else "idle"
        if is_at_point:
            return "helper" if life.point in RECOVERING else "point"
        return "moment"

    def _bury(self) -> None:
        """The commits that the last life was killed in."""
        now = time.monotonic()
        self._told.read([Path(self._arena.folder) / "victim.log"])
        prefix = f"v{self._job.seed}x{self._number}-"
        for name, begun in self._told.begun.items():
            if name.startswith(prefix) and name not in self._told.ended:
                self._dead[name] = (begun, now)
                self.dead += 1

    # --- whole in time ----------------------------------------------------------------------------------------------

    def _look_at_dead(self, limit: float) -> None:
        """Take off the list what is whole; what is not for longer than ``limit`` seconds is late."""
        if not self._dead:
            return
        entries = [asyncio.run(present(self._arena, side, list(self._dead))) for side in self._arena.sides]
        now = time.monotonic()
        for name, (begun, since) in list(self._dead.items()):
            there, missing = standing(begun, entries)
            if not (there and missing):
                del self._dead[name]
                self.slowest_whole = max(self.slowest_whole, now - since)
            elif now - since > limit and name not in self._is_told_late:
                self._is_told_late.add(name)
                self.late.append(f"late: {name} is in {there} and not in {missing} after {now - since:.1f} s")

    def _await_whole(self) -> None:
        """After the last kill: neighbours go on, and what is left must be whole in time."""
        end = time.monotonic() + _TOUCH_SECONDS + 0.5
        while self._dead and time.monotonic() < end:
            self._look_at_dead(_TOUCH_SECONDS)
            time.sleep(0.02)

    def _probe(self, act: Act) -> None:
        """Start a program, or touch what is left: all must be whole in time."""
        accounts = [begun.accounts for begun, _ in self._dead.values()]
        self._number += 1
        life = Life(self._arena, f"v{self._job.seed}x{self._number}", act, accounts=accounts)
        child = Child(lambda ready: live(life, ready))
        child.await_ready(_READY_SECONDS)
        limit = _START_SECONDS if act is Act.START else _TOUCH_SECONDS
        began = time.monotonic()
        self._dead = {name: (begun, began) for name, (begun, _) in self._dead.items()}
        while True:
            self._look_at_dead(limit)
            if not self._dead or time.monotonic() > began + limit + 0.5:
                break
            time.sleep(0.02)
        child.kill()
        _, words = child.reap()
        if words:
            self.said.append(f"{act} ended by itself: {words}")
        self._bury()
        self._dead.clear()

    def _done(self, child: Child, seconds: float) -> None:
        if not child.await_end(seconds):
            child.kill()
            self.said.append(f"a child took longer than {seconds} s")
        _, words = child.reap()
        if words:
            self.said.append(words)


async def _begin(arena: Arena) -> None:
    app = arena.app()
    await arena.begin(app)
    await app.close()


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Round)
    sys.stdout.buffer.write(msgspec.json.encode(Neighbourhood(job).run()))


if __name__ == "__main__":
    main()
