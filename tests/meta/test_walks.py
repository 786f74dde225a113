"""The files that ``docs/architecture.md`` sends its readers to are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.meta.sources import HOUSE as ROOT

_TEXT = (ROOT / "docs" / "architecture.md").read_text().partition("## Where to change what")[2]
_PLACES = sorted(set(re.findall(r"`([\w/.-]+(?:\.py|\.md|\.lua|/))`", _TEXT)))


@pytest.mark.parametrize("place", _PLACES)
def test_a_file_on_a_walk_is_there(place: str) -> None:
    roots = [ROOT, ROOT / "src" / "holdall"]
    roots += [path for path in (ROOT / "src" / "holdall").rglob("*") if path.is_dir() and "/" not in place]
    assert any(Path(root, place).exists() for root in roots), f"{place} is not in the house"


def test_there_are_walks() -> None:
    assert len(_PLACES) > 20
