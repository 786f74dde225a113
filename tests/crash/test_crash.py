"""Whatever a program is doing when it is killed: all stores agree afterwards, or what is left over is listed.

``CRASH=2000`` kills so many; ``CRASH_SEED`` draws other moments.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from tests.crash.failpoints import RECOVERING, Failpoint
from tests.crash.keeper import Keeper, Program
from tests.crash.models import KINDS, World
from tests.crash.plants import PLANTS
from tests.servers.api import Api

pytestmark = pytest.mark.early

_KILLS = int(os.environ.get("CRASH", "28"))
_SEED = int(os.environ.get("CRASH_SEED", "1"))
_PAIRS = list(combinations(KINDS, 2))
_LARGER = [kinds for size in range(3, 7) for kinds in combinations(KINDS, size)]
_FEW = [  # where there is no time for all
    ("sqlite", "postgres", "redis"),
    ("postgres", "yaml", "once"),
    ("redis", "yaml", "idemp"),
    ("sqlite", "redis", "idemp", "once"),
    KINDS,
]
_MANY = _LARGER if len(_PAIRS) + len(_LARGER) <= _KILLS / 10 else _FEW
_EACH = -(-_KILLS // (len(_PAIRS) + len(_MANY)))
_LIVES = 4  # at most, for each kill


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with Api() as made:
        yield made


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with Program() as made:
        yield made


@pytest.fixture
def keeper(
    program: Program,
    api: Api,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    postgres_url: str,
    redis_url: str,
    fresh_database: Callable[[str], str],
) -> Keeper:
    kinds: tuple[str, ...] = request.param
    urls = {"redis": redis_url}
    if "postgres" in kinds:
        urls["postgres"] = fresh_database(postgres_url)
    return Keeper(program, World("-".join(kinds) + f"-{request.node.name[:9]}", kinds, str(tmp_path), urls, api.url))


def kill(keeper: Keeper, kills: int, seed: int) -> None:
    """Kill at failpoints, in commits and in recovery, and at any moment, until it was done so many times."""
    chance = random.Random(seed)
    keeper.live(0)
    for number in range(1, kills * _LIVES + 1):
        if keeper.kills >= kills:
            break
        drawn = chance.random()
        if drawn < 0.15:
            keeper.live(number, delay=chance.random() * 0.05, has_rival=True)
        elif drawn < 0.4:
            keeper.live(number, delay=chance.random() * 0.05)
        elif drawn < 0.6 and number > 1:
            keeper.live(number, point=chance.choice(RECOVERING))
        else:
            keeper.live(number, point=chance.choice(list(keeper.points)), after=chance.randrange(4))
    keeper.live(kills * _LIVES + 1, transfers=0)


def seen_to_hold(keeper: Keeper) -> None:
    assert keeper.wrong == []
    assert keeper.kills >= _EACH
    assert keeper.audits >= _EACH / 3
    assert keeper.acknowledged > 0


class TestTwo:
    @pytest.mark.parametrize("keeper", _PAIRS, indirect=True, ids="-".join)
    def test_two_stores_agree(self, keeper: Keeper) -> None:
        kill(keeper, _EACH, _SEED)
        seen_to_hold(keeper)


class TestMore:
    @pytest.mark.parametrize("keeper", _MANY, indirect=True, ids="-".join)
    def test_more_stores_agree(self, keeper: Keeper) -> None:
        kill(keeper, _EACH, _SEED)
        seen_to_hold(keeper)


def _diverges(keeper: Keeper, plant: str, point: Failpoint | None = None) -> bool:
    """Whether the stores come to differ by a planted fault, which chance may hide in a few lives."""
    keeper.live(0)
    for number in range(1, 61, 2):
        keeper.live(number, point=point, plant=plant)
        keeper.live(number + 1, transfers=0)
        if any(wrong.startswith("diverged") for wrong in keeper.wrong):
            return True
    return False


class TestPlanted:
    """The planted faults: each must show."""

    @pytest.mark.parametrize("keeper", [("yaml", "once")], indirect=True)
    def test_calls_that_the_journal_forgot_are_caught(self, keeper: Keeper) -> None:
        assert _diverges(keeper, "unsynced journal", Failpoint.CALLED)

    @pytest.mark.parametrize("keeper", [("yaml", "redis")], indirect=True)
    def test_a_decision_that_the_journal_forgot_is_caught(self, keeper: Keeper) -> None:
        assert _diverges(keeper, "unsynced journal", Failpoint.ROLLED_FORWARD)

    @pytest.mark.parametrize("keeper", [("postgres", "yaml")], indirect=True)
    def test_a_decision_before_its_time_is_caught(self, keeper: Keeper) -> None:
        assert _diverges(keeper, "early decision")
        assert keeper.kills

    def test_all_are_planted(self) -> None:
        assert set(PLANTS) == {"unsynced journal", "early decision"}
