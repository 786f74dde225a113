"""Commits over several stores leave nothing behind; ``python -m tests.contention.growth`` does a million."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.contention.growth import Growth, Stage, grow
from tests.contention.scenery import Scenery

_COMMITS = int(os.environ.get("GROWTH", "150"))


@pytest.mark.parametrize(
    "kinds", [("sqlite", "redis"), ("sqlite", "yaml"), ("redis", "yaml"), ("sqlite", "postgresql")], ids="+".join
)
def test_nothing_is_left_behind(scenery: Scenery, kinds: tuple[str, ...]) -> None:
    arena, stack = scenery.arena(kinds, records=20)
    with stack:
        growth = asyncio.run(grow(arena, _COMMITS, _COMMITS))
    assert growth.grown() == {}
    assert growth.unfinished == 0


def test_what_grows_is_seen() -> None:
    """The planted fault."""
    before, after = Stage(40, [{"holdall_marker": 40}], 10), Stage(1_040, [{"holdall_marker": 1_040}], 10)
    assert Growth(before, after, []).grown() == {"0 holdall_marker": (40, 1_040)}
    assert Growth(before, before, [after]).grown() == {"0 holdall_marker meanwhile": (40, 1_040)}
