"""Processes that write the same records of two stores at once: every commit is whole, and none is lost.

``python -m tests.contention`` does the same for longer and over every pair.
"""

from __future__ import annotations

import os

import pytest

from tests.contention.run import Measure, contend
from tests.contention.scenery import Scenery

pytestmark = pytest.mark.early

_SHORT = Measure(processes=2, tasks=3, seconds=1.0, singles=0.3, cancels=0.3)
_PAIRS = [("postgresql", "redis"), ("redis", "yaml"), ("sqlite", "redis"), ("sqlite", "postgresql")]
if "HOLDALL_WHOLE" not in os.environ:
    del _PAIRS[2:]


@pytest.mark.parametrize(
    "kinds, variant", list(zip(_PAIRS, ["linked", "versions", "versions", "linked"], strict=False))
)
def test_two_stores_agree(scenery: Scenery, kinds: tuple[str, ...], variant: str) -> None:
    arena, stack = scenery.arena(kinds, variant, records=4)
    with stack:
        trial = contend(arena, _SHORT)
    assert trial.seen.findings.sentences == []
    assert (trial.seen.unfinished, trial.seen.prepared) == ({}, 0)
    assert (trial.mute, trial.trouble) == (0, [])
    assert trial.acknowledged > 0
    assert trial.aborted, "writers never met, so nothing was tried"


def test_without_versions_the_last_writer_is_the_same_in_both_stores(scenery: Scenery) -> None:
    arena, stack = scenery.arena(("redis", "yaml"), "entries", records=2)
    with stack:
        trial = contend(arena, _SHORT)
    assert trial.seen.findings.sentences == []
    assert trial.acknowledged > 0


@pytest.mark.parametrize("plant", ["forgets"])
def test_a_store_that_forgets_a_part_is_caught(scenery: Scenery, plant: str) -> None:
    """The planted fault."""
    arena, stack = scenery.arena(("sqlite", "redis"), records=4)
    with stack:
        trial = contend(arena, _SHORT, environment={"HOLDALL_PLANT": plant})
    assert trial.seen.findings.half
    assert trial.seen.findings.lost
    assert not trial.is_clean


def test_a_store_that_holds_nothing_is_caught(scenery: Scenery) -> None:
    """The planted fault."""
    arena, stack = scenery.arena(("postgresql", "redis"), records=4)
    with stack:
        trial = contend(arena, _SHORT, environment={"HOLDALL_PLANT": "lets go"})
    assert trial.seen.findings.half or trial.seen.findings.twice  # by who comes in between
    assert not trial.is_clean
