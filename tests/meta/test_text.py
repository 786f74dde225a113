"""What no file may say: where it was built, what it was downloaded from, what is left undone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.sources import HOUSE, PACKAGE, house_files

# Put together from halves, so that this file does not find itself.
_PLACES = re.compile("|".join(("/wo" + "rk/", "/tm" + "p/w", "/ro" + "ot/", r"/ho" + r"me/\w", r"[A-Z]:\\Us" + "ers")))
_REGISTRIES = re.compile(
    "|".join((r"py" + r"pi\.org", r"python" + r"hosted\.org", r"npm" + r"js\.(org|com)", "find-" + "links ="))
)
_UNFINISHED = re.compile(
    r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")) + r")\b"
)


def _found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(HOUSE)}:{number}: {line.strip()[:80]}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("pattern", [_PLACES, _REGISTRIES], ids=["machine paths", "registries"])
def test_no_file_tells_where_it_was_made(pattern: re.Pattern[str]) -> None:
    assert _found(pattern, house_files(HOUSE)) == []


def test_nothing_is_left_undone() -> None:
    assert _found(_UNFINISHED, house_files(PACKAGE, "*.py")) == []


def test_a_path_would_be_seen(tmp_path: Path) -> None:
    assert _PLACES.search("open('/ro" + "ot/x')")
    assert _REGISTRIES.search("https://py" + "pi.org/simple")
    assert _UNFINISHED.search("# TO" + "DO: later")
