"""The service answers made-up requests as its OpenAPI document tells; ``SCHEMA_FUZZ``: how many for each address."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.preloaded import run_preloaded

pytestmark = pytest.mark.early

_IS_LONG = "SCHEMA_FUZZ" in os.environ  # which is for hours, in processes side by side


@pytest.mark.parametrize("part", ["countries|cities|lines", "things"] if _IS_LONG else [""])
def test_answers_are_as_the_document_tells(part: str) -> None:
    _run("schema_fuzz.py", part)


@pytest.mark.skipif(not _IS_LONG, reason="make fuzz follows the links of the document")
def test_answers_to_requests_that_follow_links_are_as_the_document_tells() -> None:
    _run("stateful_fuzz.py", "")


def _run(name: str, part: str) -> None:
    fuzz = Path(__file__).parents[1] / "support" / name
    done = run_preloaded(
        *("-m", "pytest", "-q", "--randomly-seed=1", "--assert=plain", "-p", "schemathesis", str(fuzz)),
        timeout=600 + 20 * int(os.environ.get("SCHEMA_FUZZ", "0")),
        environment=os.environ | {"SCHEMA_FUZZ_PART": part},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
