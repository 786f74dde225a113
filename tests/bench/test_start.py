"""The row for the start of a program: an interpreter that fails has no figure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.process import Failure
from bench.start import cpu_seconds


def test_a_statement_that_fails_has_no_figure() -> None:
    with pytest.raises(Failure, match="import nothing_of_that_name"):
        cpu_seconds(Path(sys.executable), "import nothing_of_that_name")
