"""Which schedules are run: those with one deviation from the plain course, some with two and more, then random walks.

A deviation is a switch to another actor, a fault, a death, or time that passes. Bounding their number finds what goes
wrong with the fewest first (Emmi, Qadeer and Rakamarić, *Delay-bounded scheduling*, 2011; Musuvathi and Qadeer, 2007),
and every schedule is another one. The same budget gives the same schedules each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec

from holdall.session.commit.failpoint import Failpoint
from tests.session.interleaving.moves import Move
from tests.session.interleaving.schedule import Deviation, Run, Runner

__all__ = ["Explored", "explore", "shrunk"]

_LEVELS = 3  # deviations of what is chosen systematically
_CALM = (0.97, 0.9, 0.75)  # how often a random walk takes the plain course


class Explored(msgspec.Struct):
    """What came of many schedules; ``failed`` is the first that broke an invariant."""

    schedules: int = 0
    moves: set[Move] = msgspec.field(default_factory=set)
    failpoints: set[Failpoint] = msgspec.field(default_factory=set)
    failed: Run | None = None

    def note(self, run: Run) -> None:
        """Count one more."""
        self.schedules += 1
        self.moves |= run.moves
        self.failpoints |= run.failpoints
        if run.violation and self.failed is None:
            self.failed = run


def explore(runner: Runner, budget: int, seed: str = "") -> Explored:
    """Run so many schedules of one world, or fewer where one of them breaks an invariant."""
    explored, random = Explored(), Random(f"{runner.world.scenario.name}{seed}")
    for run in _runs(runner, budget, random):
        explored.note(run)
        if explored.failed is not None:
            break
    return explored


def _runs(runner: Runner, budget: int, random: Random) -> Iterator[Run]:
    level: list[tuple[Deviation, ...]] = [()]
    share = (budget * 2) // 3  # the rest is for random walks
    for _ in range(_LEVELS):
        following: list[tuple[Deviation, ...]] = []
        for deviations in level:
            if share == 0:
                break
            run = runner.run(deviations)
            budget, share = budget - 1, share - 1
            yield run
            first = deviations[-1][0] + 1 if deviations else 0
            following += [
                (*deviations, (place, index))
                for place in range(first, len(run.widths))
                for index in range(1, run.widths[place])
            ]
        random.shuffle(following)
        level = following
    for number in range(budget):
        yield runner.run(random=Random(random.random()), calm=_CALM[number % len(_CALM)])


def shrunk(runner: Runner, run: Run) -> Run:
    """The same violation with as few deviations as leaving them out one by one gives."""
    smallest = run
    for deviation in run.deviations:
        left = tuple(item for item in smallest.deviations if item != deviation)
        again = runner.run(left)
        if again.violation.partition(":")[0] == run.violation.partition(":")[0]:
            smallest = again
    return smallest
