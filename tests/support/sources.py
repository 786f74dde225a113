"""The project's own files, as the meta-tests read them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

__all__ = ["HOUSE", "PACKAGE", "by_folder", "house_files", "names_used", "parsed", "place_of", "room_of"]

HOUSE = Path(__file__).resolve().parents[2]
PACKAGE = HOUSE / "src" / "holdall"

# Not ours, or made by a run; a leading dot says so too.
_FOREIGN = {"build", "dist", "__pycache__"}
_GIT = ".git"  # a file where this is one of several working trees


def house_files(folder: Path = HOUSE, pattern: str = "*") -> list[Path]:
    """Every file below the folder that is written by hand, sorted."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _FOREIGN and (not path.name.startswith(".") or path.name == ".ci"):
                found += house_files(path, pattern)
        elif path.match(pattern) and path.suffix != ".so" and path.name != _GIT:
            found.append(path)
    return found


def place_of(path: Path) -> str:
    """The name of a file or folder from the root of the repository on."""
    return path.relative_to(HOUSE).as_posix()


def by_folder(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """The files under the folder in which each lies: a test for each of a thousand files takes longer than its look."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(place_of(path.parent), []).append(path)
    return found


def parsed(path: Path) -> ast.Module:
    """The file's syntax tree. Not kept: those of all files take more than a hundred MiB."""
    return ast.parse(path.read_text(), filename=str(path))


def names_used(folders: Iterable[Path], wanted: set[str]) -> set[str]:
    """Those of the wanted names that Python files below the folders mention in code."""
    found: set[str] = set()
    for folder in folders:
        for path in house_files(folder, "*.py"):
            text = path.read_text()
            if any(name in text for name in wanted - found):  # parsing takes a hundred times as long
                found |= wanted & _names_in(path)
    return found


def _names_in(path: Path) -> set[str]:
    named = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Name | ast.Attribute)]
    return {node.id if isinstance(node, ast.Name) else node.attr for node in named}


def room_of(module: str) -> str:
    """The room a module belongs to: ``holdall.query`` for ``holdall.query.sort``, a store of its own for each store."""
    parts = module.split(".")
    return ".".join(parts[:3] if parts[1:2] == ["stores"] else parts[:2])
