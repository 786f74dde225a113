"""Every error is there for a reason: the package raises it, and a test has seen it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from holdall import errors
from tests.support.sources import HOUSE, PACKAGE, house_files, names_used, parsed

_CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.HoldallError)
]
_LEAVES = {error.__name__ for error in _CLASSES if not any(error in other.__bases__ for other in _CLASSES)}


def _seen_by_tests() -> set[str]:
    folders = [*(folder for folder in (HOUSE / "tests").iterdir() if folder.name != "meta"), PACKAGE / "testing"]
    return names_used([folder for folder in folders if folder.is_dir()], _LEAVES)


def _raised() -> set[str]:
    rooms = [room for room in PACKAGE.iterdir() if room.is_dir() and room.name not in ("errors", "testing")]
    return names_used(rooms, _LEAVES)


def test_every_error_is_seen_by_a_test() -> None:
    assert _LEAVES - _seen_by_tests() == set()


def test_every_error_is_raised_somewhere() -> None:
    assert _LEAVES - _raised() == set()


@pytest.mark.parametrize("error", _CLASSES)
def test_an_error_is_exported_and_says_when_it_comes(error: type[errors.HoldallError]) -> None:
    assert error.__name__ in errors.__all__
    assert error.__doc__


def test_the_tree_is_drawn_whole() -> None:
    drawn = errors.__doc__ or ""
    assert {error.__name__ for error in _CLASSES} <= set(drawn.replace("─", " ").split())


@pytest.mark.parametrize("path", house_files(PACKAGE / "errors", "*.py"), ids=lambda path: path.stem)
def test_errors_import_nothing_of_the_house_not_for_type_checking_either(path: Path) -> None:
    imported = [node.module or "" for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom)]
    named = [item.name for node in ast.walk(parsed(path)) if isinstance(node, ast.Import) for item in node.names]
    ours = [name for name in [*imported, *named] if name.startswith("holdall")]
    assert all(name.startswith("holdall.errors") for name in ours), ours
