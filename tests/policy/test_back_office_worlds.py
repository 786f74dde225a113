"""Nobody learns from pages of the back office what he may not read: two worlds answer with the same bytes.

``make worlds N=200000`` visits more pages.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from holdall import Policy
from tests.support.back_office_worlds import BackOfficeWorlds

pytestmark = pytest.mark.anyio

_NUMBER = int(os.environ.get("WORLDS", "0")) // 40 or 45


async def differing(layout: str, user: str, folder: Path, seed: int, number: int) -> list[str]:
    worlds = BackOfficeWorlds(user)
    await worlds.make(layout, folder, seed)
    try:
        return await worlds.differing_visits(random.Random(f"{layout} {user} {seed}"), number)
    finally:
        await worlds.close()


@pytest.mark.parametrize("layout, user", [("memory", "ann"), ("scattered", "nobody"), ("memory", "tom")])
async def test_nobody_can_tell_them_apart(layout: str, user: str, tmp_path: Path) -> None:
    assert await differing(layout, user, tmp_path, 0, _NUMBER) == []


async def test_a_planted_leak_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Policy, "hidden", lambda self, user: frozenset())
    assert await differing("memory", "ann", tmp_path, 0, 60) != []
