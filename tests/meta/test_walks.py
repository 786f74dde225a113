"""The files that ``docs/architecture.md`` sends its readers to are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.sources import HOUSE as ROOT
from tests.support.sources import PACKAGE, house_files
from tools.build_files import page

_TEXT = (ROOT / "docs" / "architecture.md").read_text().partition("## Where to change what")[2]
_PLACE = re.compile(r"`([\w/.-]+(?:\.py|\.md|\.lua|/))`")
_WALKS = {
    name: _PLACE.findall(walk) for name, walk in re.findall(r"^\*\*(.+?)\.\*\*(.*?)(?=^\*\*|\Z)", _TEXT, re.M | re.S)
}


def _files(walk: list[str]) -> list[Path]:
    """The files of a walk; a name without a folder lies where the one before it does."""
    found: list[Path] = []
    for place in walk:
        roots = [ROOT, PACKAGE] if "/" in place else [found[-1].parent]
        found.append(next((root / place for root in roots if (root / place).exists()), roots[-1] / place))
    return found


@pytest.mark.parametrize("walk", _WALKS.values(), ids=_WALKS)
def test_a_file_on_a_walk_is_there(walk: list[str]) -> None:
    assert [path for path in _files(walk) if not path.exists()] == []


@pytest.mark.parametrize("walk", _WALKS.values(), ids=_WALKS)
def test_a_walk_never_comes_back_to_a_file_or_a_room_that_it_left(walk: list[str]) -> None:
    files = _files(walk)
    assert len(files) == len(set(files))
    rooms = [path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).parts[0] for path in files]
    passed = [room for room, before in zip(rooms, ["", *rooms], strict=False) if room != before]
    assert len(passed) == len(set(passed)), passed


def test_every_file_is_named_by_what_it_says() -> None:
    written = page()
    assert (ROOT / "docs" / "files.md").read_text() == written, "run make files"
    assert "says nothing" not in written


_MAP = (ROOT / "docs" / "architecture.md").read_text()
_FOLDERS = sorted(
    {path.parent for path in house_files(PACKAGE, "*.py")} - {PACKAGE, *((PACKAGE / "web").glob("*/"))}, key=str
)


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_folder_is_on_the_map(folder: Path) -> None:
    place = folder.relative_to(PACKAGE)
    assert f"`holdall.{place.parts[0]}`" in _MAP or f"**{place.as_posix()}**" in _MAP or f"`{place.name}`" in _MAP


def test_there_are_walks() -> None:
    assert set(_WALKS) == {
        "A new operator",
        "A phase of a commit over several stores",
        "How Redis keeps a kind of field",
        "The form of something that is stored",
        "A problem document",
    }
    assert all(len(walk) > 3 for walk in _WALKS.values())
