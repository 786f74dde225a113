"""A suite that cannot fail is worth nothing: stores that lie are caught, an honest one is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lying_stores import LIARS


@pytest.fixture(scope="module")
def caught() -> dict[str, str | None]:
    """By class of the trial, the test that caught it."""
    trial = Path(__file__).parents[1] / "support" / "liars_trial.py"
    run = subprocess.run([sys.executable, str(trial)], capture_output=True, text=True, timeout=240, check=False)
    assert run.stdout, run.stderr
    verdicts: dict[str, str | None] = json.loads(run.stdout.splitlines()[-1])
    return verdicts


@pytest.mark.parametrize("liar, test", [(liar.__name__, test) for liar, test in LIARS.items()])
def test_every_liar_is_caught(caught: dict[str, str | None], liar: str, test: str) -> None:
    assert str(caught[f"Test{liar}"]).partition("[")[0] == test


def test_an_honest_store_is_not(caught: dict[str, str | None]) -> None:
    assert caught["TestMemoryStore"] is None
