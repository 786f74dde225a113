"""Whatever a program is doing when it is killed while others write the same records: all is whole soon after.

``CRASH=2000`` kills so many, ``NEIGHBOURS=2`` has so many others at once. ``python -m tests.crash`` does the same side
by side, with a table, and judges how soon it was, too.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.contention.scenery import Scenery
from tests.crash.rounds import EMBEDDED_WORLDS, Plan, planned, run_round

pytestmark = pytest.mark.early

_KILLS = int(os.environ.get("CRASH", "14"))
_SEED = int(os.environ.get("CRASH_SEED", "1"))
_NEIGHBOURS = int(os.environ.get("NEIGHBOURS", "1"))
_PLANS = planned(_KILLS // 2, EMBEDDED_WORLDS, _NEIGHBOURS, _SEED)
_NOT_YET: dict[tuple[str, ...], str] = {}


def _marked(plan: Plan) -> Any:
    reason = _NOT_YET.get(plan.world)
    marks = [pytest.mark.xfail(strict=False, reason=reason)] if reason else []
    return pytest.param(plan, id=f"{'-'.join(plan.world)}-{plan.variant}-{plan.number}", marks=marks)


@pytest.mark.parametrize("plan", [_marked(plan) for plan in _PLANS])
def test_all_is_whole_soon_after(scenery: Scenery, plan: Plan) -> None:
    outcome = run_round(scenery, plan)
    assert [*outcome.said, *outcome.seen.findings.sentences] == []
    assert (outcome.seen.unfinished, outcome.seen.prepared, outcome.partial) == ({}, 0, 0)
    assert sum(outcome.kills.values()) >= plan.kills
    assert outcome.dead > 0
    assert outcome.acknowledged > 0
