from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from tests.support.sources import HOUSE, PACKAGE, house_files

_MOST_LINES = 300
_MOST_LINES_ELSEWHERE = 500
_MEDIAN_LINES = 150


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", house_files(HOUSE, "*.py"), ids=lambda path: str(path.relative_to(HOUSE)))
def test_no_file_is_too_long(path: Path) -> None:
    bound = _MOST_LINES if path.is_relative_to(PACKAGE) else _MOST_LINES_ELSEWHERE
    assert _lines(path) <= bound, "find the second noun and split"


def test_files_are_short_on_the_whole() -> None:
    assert median(_lines(path) for path in house_files(PACKAGE, "*.py")) <= _MEDIAN_LINES


@pytest.mark.parametrize("name", ["utils", "helpers", "base", "common", "misc"])
def test_every_file_is_named_after_something(name: str) -> None:
    assert not [path for path in house_files(PACKAGE, "*.py") if path.stem.strip("_") == name]
