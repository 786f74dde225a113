"""Names in the code are the words of ``docs/words.md``; words that were retired do not come back."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.sources import HOUSE, PACKAGE, by_folder, house_files, parsed, place_of

_FOLDERS = by_folder(house_files(PACKAGE, "*.py"))
_TEXT = (HOUSE / "docs" / "words.md").read_text()
_RETIRED = {
    word
    for word in re.findall(r"`(\w+)`", _TEXT.partition("## Retired")[2])
    if word not in ("budget", "stand_in")  # those have another meaning in stores
}


def _names(path: Path) -> set[str]:
    """The names that a file makes: classes, functions, arguments, variables and attributes, and its own."""
    found = {path.stem}
    for node in ast.walk(parsed(path)):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.arg():
                found.add(node.arg)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.Attribute(ctx=ast.Store()):
                found.add(node.attr)
    return found


def _retired_in(path: Path) -> set[str]:
    return {name for name in _names(path) if name.strip("_") in _RETIRED}


@pytest.mark.parametrize("paths", _FOLDERS.values(), ids=_FOLDERS)
def test_no_retired_word_is_a_name(paths: list[Path]) -> None:
    assert {place_of(path): found for path in paths if (found := _retired_in(path))} == {}


def test_a_retired_word_is_found(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text("class Tracker:\n    def __init__(self, ledger):\n        self._knit = mirror = ledger\n")
    assert _retired_in(path) == {"Tracker", "ledger", "_knit", "mirror"}


def test_each_word_is_told_once() -> None:
    words = re.findall(r"^\| \*\*([^|]*?)\*\*", _TEXT, re.MULTILINE)
    assert len(words) > 30
    assert len(words) == len(set(words))
