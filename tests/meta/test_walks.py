"""The files that ``docs/architecture.md`` sends its readers to are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.meta.sources import HOUSE as ROOT
from tests.meta.sources import PACKAGE, house_files
from tools.build_files import page

_TEXT = (ROOT / "docs" / "architecture.md").read_text().partition("## Where to change what")[2]
_PLACES = sorted(set(re.findall(r"`([\w/.-]+(?:\.py|\.md|\.lua|/))`", _TEXT)))


@pytest.mark.parametrize("place", _PLACES)
def test_a_file_on_a_walk_is_there(place: str) -> None:
    roots = [ROOT, ROOT / "src" / "holdall"]
    roots += [path for path in (ROOT / "src" / "holdall").rglob("*") if path.is_dir() and "/" not in place]
    assert any(Path(root, place).exists() for root in roots), f"{place} is not in the house"


def test_every_file_is_named_by_what_it_says() -> None:
    assert (ROOT / "docs" / "files.md").read_text() == page(), "run make files"
    assert "says nothing" not in page()


_MAP = (ROOT / "docs" / "architecture.md").read_text()
_FOLDERS = sorted(
    {path.parent for path in house_files(PACKAGE, "*.py")} - {PACKAGE, *((PACKAGE / "web").glob("*/"))}, key=str
)


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_folder_is_on_the_map(folder: Path) -> None:
    place = folder.relative_to(PACKAGE)
    assert f"`holdall.{place.parts[0]}`" in _MAP or f"**{place.as_posix()}**" in _MAP or f"`{place.name}`" in _MAP


def test_there_are_walks() -> None:
    assert len(_PLACES) > 20
