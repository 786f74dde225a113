"""A program that writes files is killed at any moment: nothing is missing, and nothing is left after a collection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.crash import file_kills
from tests.support.preloaded import run_preloaded

pytestmark = pytest.mark.early


def test_no_file_is_missing_and_nothing_is_left() -> None:
    done = run_preloaded("-m", "tests.crash.file_kills", "--kills", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(
        r"12 kills, \d+ files read: 0 missing, 0 damaged, \d+ orphans collected, 0 left after collection\n", done.stdout
    )


def test_the_audit_sees_a_content_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = file_kills.Audit()
    file_kills.audit(tmp_path, found)
    file_kills.fill(tmp_path)
    file_kills.audit(tmp_path, found)
    assert found.is_clean
    (next((tmp_path / "scans").glob("??/?/*"))).unlink()
    file_kills.audit(tmp_path, found)
    assert (found.is_clean, found.missing) == (False, 1)
