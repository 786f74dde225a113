"""Two commits, a death, a helper and a neighbour, in thousands of orders: no invariant breaks, and every mistake shows.

``INTERLEAVE=50000`` runs so many schedules; without it there are a thousand. They are the same each time. A failing
one prints its steps, and the deviations by which ``Runner.run`` repeats it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from holdall.session.commit.failpoint import Failpoint
from tests.session.interleaving.explore import Explored, explore, shrunk
from tests.session.interleaving.mistakes import MISTAKES
from tests.session.interleaving.moves import DOCUMENT, Move, moves_of_document
from tests.session.interleaving.processes import Processes
from tests.session.interleaving.scenarios import SCENARIOS
from tests.session.interleaving.schedule import Runner
from tests.session.interleaving.worlds import Scenario, World

_SCHEDULES = int(os.environ.get("INTERLEAVE", "1000"))
_ENOUGH = 600  # schedules, in which each planted mistake must show

_OF_CALLS = {
    Failpoint.BEGUN,
    Failpoint.CALLING,
    Failpoint.CALLED,
    Failpoint.CALLS_DONE,
    Failpoint.UNDOING,
    Failpoint.UNDONE,
}
"""Passed by commits only that make calls; there are none here."""


_RARE = {"tx+batch same record", "tx+batch same purse", "plain+plain same purse", "plain+plain both changed"}
"""Where the moves are made that need two things to go wrong."""


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Within a test, actors are processes, and time is theirs."""
    found = Processes()
    with found.patched():
        yield found


def _runner(scenario: Scenario, processes: Processes) -> Runner:
    return Runner(World(scenario), processes)


def _named(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def _told(runner: Runner, explored: Explored) -> str:
    assert explored.failed is not None
    return f"{runner.world.scenario.name}, schedule {explored.schedules}\n{shrunk(runner, explored.failed)}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_no_schedule_breaks_an_invariant(scenario: Scenario, processes: Processes) -> None:
    runner = _runner(scenario, processes)
    explored = explore(runner, _SCHEDULES // len(SCENARIOS))
    if explored.failed is not None:
        pytest.fail(_told(runner, explored))


def test_the_table_names_every_move_and_no_other() -> None:
    assert moves_of_document(DOCUMENT.read_text()) == set(Move)


def test_every_move_and_every_failpoint_is_passed(processes: Processes) -> None:
    moves, points = set(Move), set(Failpoint) - _OF_CALLS
    runners = [_runner(scenario, processes) for scenario in SCENARIOS]
    for size, chosen in ((150, [it for it in runners if it.world.scenario.name in _RARE]), (20, runners)):
        for runner in chosen:
            explored = explore(runner, size)
            moves -= explored.moves
            points -= explored.failpoints
            if not moves and not points:
                return
    assert (moves, points) == (set(), set())


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found(name: str, processes: Processes) -> None:
    mistake, scenario = MISTAKES[name]
    runner = _runner(_named(scenario), processes)
    with mistake():
        explored = explore(runner, _ENOUGH)
    assert explored.failed is not None, f"{_ENOUGH} schedules with {name!r} broke no invariant"


def test_a_schedule_repeats_itself(processes: Processes) -> None:
    runner = _runner(SCENARIOS[0], processes)
    first = runner.run(((11, 2), (14, 1)))
    assert first.deviations == ((11, 2), (14, 1))
    assert runner.run(first.deviations).trace == first.trace
