"""The service answers made-up requests as its OpenAPI document tells; ``SCHEMA_FUZZ``: how many for each address."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.early


@pytest.mark.parametrize("part", ["countries|cities|lines", "things"])
def test_answers_are_as_the_document_tells(part: str) -> None:
    _run("schema_fuzz.py", part)


@pytest.mark.skipif("SCHEMA_FUZZ" not in os.environ, reason="make fuzz follows the links of the document")
def test_answers_to_requests_that_follow_links_are_as_the_document_tells() -> None:
    _run("stateful_fuzz.py", "")


def _run(name: str, part: str) -> None:
    fuzz = Path(__file__).parents[1] / "support" / name
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--randomly-seed=1", "-n", "0", str(fuzz)],
        capture_output=True,
        text=True,
        timeout=600 + 20 * int(os.environ.get("SCHEMA_FUZZ", "0")),
        env=os.environ | {"SCHEMA_FUZZ_PART": part},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
