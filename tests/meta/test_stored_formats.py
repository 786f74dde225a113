"""The table of stored formats says what the code writes, and each format that was ever written has a golden file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.sources import HOUSE, PACKAGE, house_files

_TEXT = (HOUSE / "docs" / "decisions" / "stored-formats.md").read_text()
_ROWS = [line.strip("|").split(" | ") for line in _TEXT.splitlines() if line.startswith("| ")][1:]
_CONSTANT = re.compile(r"^(?:local )?_?([A-Z]+_FORMAT) = (\d+)(?:  #.*)?$", re.MULTILINE)


def _constants(folder: Path) -> dict[str, set[int]]:
    """The numbers of formats in Python and Lua below the folder; a name may stand in both."""
    found: dict[str, set[int]] = {}
    for path in [*house_files(folder, "*.py"), *house_files(folder, "*.lua")]:
        for name, number in _CONSTANT.findall(path.read_text()):
            found.setdefault(name, set()).add(int(number))
    return found


def _told() -> dict[str, set[int]]:
    named = [re.fullmatch(r"`([A-Z]+_FORMAT)` (\d+)", row[2].strip()) for row in _ROWS]
    return {found[1]: {int(found[2])} for found in named if found}


def _lacking(pattern: str, newest: int, folder: Path) -> list[int]:
    """The formats that no golden file of this pattern holds."""
    return [number for number in range(1, newest + 1) if not list(folder.glob(pattern.replace("*", str(number))))]


def test_the_table_tells_the_number_of_every_format() -> None:
    assert _told() == _constants(PACKAGE)


def test_a_number_that_python_and_lua_tell_otherwise_is_found(tmp_path: Path) -> None:
    (tmp_path / "mark.py").write_text("MARK_FORMAT = 2\n")
    (tmp_path / "mark.lua").write_text("local MARK_FORMAT = 1\n")
    found: Mapping[str, set[int]] = _constants(tmp_path)
    assert found == {"MARK_FORMAT": {1, 2}}


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0].strip().replace(" ", "-"))
def test_every_format_has_golden_files(row: list[str]) -> None:
    number = re.search(r"(\d+)$", row[2].strip())
    patterns = re.findall(r"`([^`]+)`", row[5])
    assert patterns
    for pattern in patterns:
        assert _lacking(pattern, int(number[1]) if number else 1, HOUSE / "tests") == []


def test_a_format_without_a_golden_file_is_found() -> None:
    assert _lacking("web/golden/cursor_*.txt", 2, HOUSE / "tests") == [2]
