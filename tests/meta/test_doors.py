"""A room's door is its ``__init__``: it re-exports, says all it exports, and holds no logic."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdall
from tests.support.sources import HOUSE, PACKAGE, by_folder, house_files, parsed, place_of, room_of

_HOUSE_DOOR = PACKAGE / "__init__.py"
"""The only one that has logic: its names come when they are asked for."""
_DOORS = [path for path in house_files(PACKAGE, "__init__.py") if path != _HOUSE_DOOR]
_FOLDERS = by_folder(house_files(PACKAGE, "*.py"))


def _exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def _bound(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }


def _logic(tree: ast.Module) -> list[ast.stmt]:
    """Statements of a door that are more than its docstring, re-exports and ``__all__``."""

    def is_plain(node: ast.stmt) -> bool:
        match node:
            case ast.ImportFrom():
                return True
            case ast.Expr(value=ast.Constant(value=str())):
                return True
            case ast.Assign(targets=[ast.Name(id="__all__" | "__version__")]):
                return True
            case _:
                return False

    return [node for node in tree.body if not is_plain(node)]


def _private_imports(module: str, tree: ast.Module) -> Iterator[str]:
    """Modules private to another room that this one imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("holdall."):
            targets = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names if alias.name.startswith("holdall.")]
        else:
            continue
        for target in targets:
            if room_of(target) != room_of(module) and any(part.startswith("_") for part in target.split(".")):
                yield target


@pytest.mark.parametrize("path", _DOORS, ids=place_of)
def test_a_door_says_all_it_exports_and_holds_no_logic(path: Path) -> None:
    tree = parsed(path)
    exported = _exported(tree) or []
    assert len(exported) == len(set(exported))
    assert set(exported) - {"__version__"} == _bound(tree)
    assert [ast.unparse(node) for node in _logic(tree)] == []


def test_the_door_of_the_house_gives_what_checkers_see() -> None:
    seen = next(node for node in parsed(_HOUSE_DOOR).body if isinstance(node, ast.If))
    assert ast.unparse(seen.test) == "TYPE_CHECKING"
    names = {alias.name: node.module for node in seen.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names.keys() == set(holdall.__all__)
    for name, room in names.items():
        assert room is not None
        assert getattr(holdall, name) is getattr(importlib.import_module(room), name), name


def test_the_door_of_the_house_gives_nothing_else() -> None:
    with pytest.raises(AttributeError, match="module 'holdall' has no attribute 'Modell'"):
        holdall.Modell  # type: ignore[attr-defined]  # noqa: B018
    assert holdall.errors.__name__ == "holdall.errors"  # a room, without a further import
    assert {*holdall.__all__} <= {*dir(holdall)}


@pytest.mark.parametrize("paths", _FOLDERS.values(), ids=_FOLDERS)
def test_modules_say_what_they_export_and_enter_by_no_window(paths: list[Path]) -> None:
    for path in paths:
        tree = parsed(path)
        exported = _exported(tree)
        if not path.stem.startswith("_"):
            assert exported is not None, f"declare __all__ in {place_of(path)}"
            assert not [name for name in exported if name.startswith("_")], place_of(path)
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        assert list(_private_imports(module, tree)) == [], place_of(path)


@pytest.mark.parametrize(
    "source",
    ["from holdall.query._parser import parse", "import holdall.query._parser", "from holdall.query import _parser"],
)
def test_a_window_is_seen(source: str) -> None:
    assert list(_private_imports("holdall.model.field", ast.parse(source)))
    assert not list(_private_imports("holdall.query.text", ast.parse(source)))


def test_logic_in_a_door_is_seen() -> None:
    assert _logic(ast.parse('"""Door."""\nfrom holdall.query import Query\ncache = {}\n'))


def test_the_page_of_what_is_public_names_doors_that_are_there() -> None:
    page = (HOUSE / "docs" / "public.md").read_text()
    named = re.findall(r"`(holdall(?:\.\w+)*)`", page)
    testing = re.findall(r"`\.(\w+)`", page)
    no_doors = (
        "holdall.adopters",
        "holdall.file_stores",
        "holdall.hosts",
        "holdall.stores",
        "holdall.testing",
    )  # entry points, and a folder of doors
    doors = [name for name in named if name not in no_doors]
    assert len(doors) > 8
    for name in [*doors, *(f"holdall.testing.{each}" for each in testing)]:
        assert importlib.import_module(name).__all__, name
