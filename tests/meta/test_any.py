"""Types say something: ``Any`` stands in fewer and fewer lines of ``src``, where no other type can."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.sources import PACKAGE, house_files

_MOST = 1_220  # lines, about a third of what there were; lower it where some have gone
_ANY = re.compile(r"\bAny\b")


def _lines_with_any(folder: Path) -> int:
    return sum(
        bool(_ANY.search(line)) for path in house_files(folder, "*.py") for line in path.read_text().splitlines()
    )


def test_any_does_not_spread() -> None:
    assert _lines_with_any(PACKAGE) <= _MOST, "take object, a type parameter, a Protocol, or Key, Value, Record"


def test_any_is_counted(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("from typing import Any\n\nCompany = 1\nvalue: dict[Any, Any]\n")
    assert _lines_with_any(tmp_path) == 2
