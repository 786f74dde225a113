"""Everything that a door exports shows by an example how it is used, or names what does; and the examples run."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdall.model import Manager, Model, Reference, Related, ResultSet, Stream
from holdall.policy import Policy
from holdall.query import Expression, Query
from holdall.session import CommitResult, Session
from holdall.session.adding_absent import AddingAbsent
from holdall.session.changing import Changing
from holdall.session.committing import Committing
from holdall.session.dao_verbs import DaoVerbs
from holdall.session.flushing import Flushing
from holdall.session.hand_written_verbs import HandWrittenVerbs
from holdall.session.in_bulk import InBulk
from holdall.session.key_changing import KeyChanging
from holdall.session.native_verbs import NativeVerbs
from holdall.session.ordering import Ordering
from holdall.session.reading import Reading
from holdall.session.sql_query import SqlQuery
from holdall.session.store_verbs import StoreVerbs
from holdall.session.sync_session import SyncSession
from holdall.session.sync_store_verbs import SyncStoreVerbs
from holdall.session.transactions import Transactions
from holdall.session.upserting import Upserting
from holdall.testing.client import Client
from tests.support.examples import MODULES, docstrings, failures, module_of
from tests.support.quick_hashes import quick_hashes
from tests.support.sources import HOUSE, PACKAGE, by_folder, house_files, parsed, place_of

__all__ = ["quick_hashes"]

# A room exports by its ``__init__``; these modules are imported by their own names.
_DOORS = [
    *house_files(PACKAGE, "__init__.py"),
    PACKAGE / "dao.py",
    *(PACKAGE / "testing").glob("[!_]*.py"),
]
_POINTER = re.compile(r"Example: (?::(?:class|func):`([\w.]+)`|``([\w./-]+\.md)``)\.")
_SESSIONS = (Session, SyncSession)
_PARTS = (
    *(AddingAbsent, Changing, Committing, DaoVerbs, Flushing, InBulk, KeyChanging),
    *(Ordering, Reading, SqlQuery, Transactions, Upserting),
    *_SESSIONS,
)
_PARTS_OF_SESSIONS = {part.__name__: part for part in _PARTS}
_HOLDERS = (*_SESSIONS, HandWrittenVerbs, NativeVerbs, StoreVerbs, SyncStoreVerbs)
_VERBS = (Client, CommitResult, Expression, Manager, Model, Policy, Query, Reference, Related, ResultSet, Stream)


def _exported() -> Iterator[tuple[str, Any]]:
    """Every class and function that a door exports, once, under the first of its names."""
    seen = {id(Any)}  # aliases of it are no classes
    for door in _DOORS:
        module = importlib.import_module(module_of(door))
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isfunction(value)) and id(value) not in seen:
                seen.add(id(value))
                yield f"{module.__name__}.{name}", value


_EXPORTED = dict(_exported())
_BY_NAME = {name.rpartition(".")[2]: value for name, value in _EXPORTED.items()}


def _own(value: Any) -> str:
    """The docstring of a class or function itself, not one that it inherits."""
    return inspect.cleandoc(value.__dict__.get("__doc__") or "" if inspect.isclass(value) else value.__doc__ or "")


def _is_shown(text: str) -> bool:
    """Whether a docstring has an example, or leads to one that has."""
    if ">>>" in text:
        return True
    pointer = _POINTER.search(text)
    if pointer is None:
        return False
    name, page = pointer.groups()
    if page is not None:
        return (HOUSE / page).exists()
    room, _, last = name.rpartition(".")
    if room.startswith("holdall"):
        found: Any = getattr(importlib.import_module(room), last)
    else:
        found = getattr(_BY_NAME[room], last) if room else _BY_NAME.get(last)
    return found is not None and ">>>" in _own(found)


@pytest.mark.parametrize("room", sorted({name.rpartition(".")[0] for name in _EXPORTED}))
def test_an_exported_name_has_an_example_or_leads_to_one(room: str) -> None:
    names = [name for name in _EXPORTED if name.rpartition(".")[0] == room]
    unseen = [name for name in names if not _is_shown(_own(_EXPORTED[name]))]
    assert unseen == [], "add >>> lines, or a sentence such as: Example: :class:`Query`."


@pytest.mark.parametrize("verbs", _VERBS, ids=lambda verbs: verbs.__name__)
def test_a_public_method_is_used_in_an_example(verbs: type) -> None:
    pointed = _POINTER.search(_own(verbs))
    shown = _own(verbs) + (_own(_BY_NAME[pointed.group(1)]) if pointed else "")
    methods = {
        name: getattr(value, "fget", value)
        for name, value in vars(verbs).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    }
    unseen = [name for name, value in methods.items() if f".{name}" not in shown and ">>>" not in _own(value)]
    assert unseen == []


@pytest.mark.parametrize("kind,name", [(kind, name) for kind in _HOLDERS for name in vars(kind) if name[0] != "_"])
def test_a_verb_of_a_session_leads_to_an_example_that_uses_it(kind: type, name: str) -> None:
    pointer = _POINTER.search(_own(inspect.getattr_static(kind, name)))
    assert pointer is not None, "name the class whose example uses the verb: Example: :class:`Session`."
    assert f".{name}" in _own(_PARTS_OF_SESSIONS[pointer.group(1)])


@pytest.mark.parametrize("path", MODULES, ids=module_of)
def test_the_examples_of_a_module_run(path: Path) -> None:
    assert failures(path) == ""


def _public(path: Path) -> Iterator[tuple[str, bool]]:
    """The public definitions of a file, and whether each has a docstring; those of public classes are among them."""
    pending: list[tuple[str, ast.AST]] = [("", node) for node in parsed(path).body]
    while pending:
        place, node = pending.pop(0)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            is_overload = any(ast.unparse(each) == "overload" for each in node.decorator_list)
            yield f"{place}{node.name}", is_overload or ast.get_docstring(node) is not None
            if isinstance(node, ast.ClassDef):
                pending += [(f"{node.name}.", each) for each in node.body]


def _exported_from() -> set[Path]:
    """The modules whose names doors export."""
    names = {
        node.module
        for door in _DOORS
        for node in parsed(door).body
        if isinstance(node, ast.ImportFrom) and node.module and door.name in ("__init__.py", "dao.py")
    }
    files = {module_of(path): path for path in house_files(PACKAGE, "*.py")}
    return {files[name] for name in names if name in files} | set(_DOORS)


_FOLDERS = by_folder(sorted(_exported_from()))


@pytest.mark.parametrize("paths", _FOLDERS.values(), ids=_FOLDERS)
def test_every_public_name_of_an_exported_module_has_a_docstring(paths: list[Path]) -> None:
    assert [(place_of(path), name) for path in paths for name, is_told in _public(path) if not is_told] == []


def test_a_missing_docstring_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text('class A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...\n')
    assert list(_public(path)) == [("A", True), ("d", False), ("A.b", False)]


def test_a_missing_example_is_seen() -> None:
    assert not _is_shown("Add a book.")
    assert not _is_shown("Add a book. Example: :class:`NoSuchName`.")
    assert not _is_shown("Add a book. Example: ``docs/nowhere.md``.")
    assert _is_shown("Add a book. Example: :class:`Query`.")


def test_an_example_that_fails_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "planted.py"
    path.write_text('def two() -> int:\n    """Two.\n\n    >>> two()\n    2\n    """\n    return 1\n')
    monkeypatch.setattr("tests.support.examples.module_of", lambda path: "planted")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "Expected:\n    2\nGot:\n    1" in failures(path)


def test_docstrings_of_all_definitions_are_found(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text('"""A."""\nclass B:\n    """B."""\n    async def c(self):\n        """C."""\n')
    assert [text for _, _, text in docstrings(path)] == ["A.", "B.", "C."]
    assert isinstance(parsed(path), ast.Module)
