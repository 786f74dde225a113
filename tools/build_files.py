"""``python -m tools.build_files``: write ``docs/files.md``, every file of the package with the first line it says."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["page"]

_HOUSE = Path(__file__).resolve().parents[1]
_PACKAGE = _HOUSE / "src" / "holdall"
_PAGE = _HOUSE / "docs" / "files.md"
_INTRODUCTION = """\
# Every file

Written by `make files` from the first sentence of each file; not by hand. [The map](architecture.md) tells how they
belong together.
"""


def page() -> str:
    """The page: a section for each folder, from the top of the package downwards."""
    folders = sorted({path.parent for path in _files()}, key=lambda folder: folder.relative_to(_PACKAGE).parts)
    return "\n".join([_INTRODUCTION, *map(_section, folders)])


def _files() -> list[Path]:
    return [path for pattern in ("*.py", "*.lua", "*.c") for path in _PACKAGE.rglob(pattern)]


def _section(folder: Path) -> str:
    name = ".".join(["holdall", *folder.relative_to(_PACKAGE).parts])
    lines = [f"- `{path.name}`: {_said(path)}" for path in sorted(_files()) if path.parent == folder]
    return "\n".join([f"## {name}", "", *lines, ""])


def _said(path: Path) -> str:
    """What a file says of itself first."""
    text = path.read_text()
    if path.suffix == ".py":
        said = ast.get_docstring(ast.parse(text)) or ""
    else:
        said = text.removeprefix("/*").removeprefix("--[[").lstrip("- \n")
    return said.strip().splitlines()[0].strip() if said.strip() else "says nothing"


if __name__ == "__main__":
    _PAGE.write_text(page())
