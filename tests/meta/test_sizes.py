from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from tests.support.sources import HOUSE, PACKAGE, by_folder, house_files, place_of

_MOST_LINES = 300
_MOST_LINES_ELSEWHERE = 500
_MEDIAN_LINES = 150
_FOLDERS = by_folder(house_files(HOUSE, "*.py"))


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _is_too_long(path: Path) -> bool:
    return _lines(path) > (_MOST_LINES if path.is_relative_to(PACKAGE) else _MOST_LINES_ELSEWHERE)


@pytest.mark.parametrize("paths", _FOLDERS.values(), ids=_FOLDERS)
def test_no_file_is_too_long(paths: list[Path]) -> None:
    assert [place_of(path) for path in paths if _is_too_long(path)] == [], "find the second noun and split"


def test_a_file_that_is_too_long_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text("1\n" * (_MOST_LINES_ELSEWHERE + 1))
    assert _is_too_long(path)


def test_files_are_short_on_the_whole() -> None:
    assert median(_lines(path) for path in house_files(PACKAGE, "*.py")) <= _MEDIAN_LINES


@pytest.mark.parametrize("name", ["utils", "helpers", "base", "common", "misc"])
def test_every_file_is_named_after_something(name: str) -> None:
    assert not [path for path in house_files(PACKAGE, "*.py") if path.stem.strip("_") == name]
