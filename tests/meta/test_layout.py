"""``tests/`` has the folders of ``src/holdall``, and its modules are tests, support or a package of programs."""

from __future__ import annotations

from pathlib import Path

from tests.support.sources import HOUSE, PACKAGE

_TESTS = HOUSE / "tests"

_OTHER_FOLDERS = {
    "bench": "tests of bench/, which is outside the package",
    "demo": "tests of demo/, which is outside the package",
    "meta": "tests of the texts, sizes, doors and layout of this repository",
    "support": "modules that several tests import, or start as programs",
    "support/adoption": "tables that other programs made, and what is stored in them",
    "tools": "tests of tools/, which is outside the package",
    "typing": "what type checkers must accept and refuse; pyright reads it and pytest does not",
    "typing/inspected": "modules that `holdall inspect` writes, as tests of it find them",
    # subjects that cross the folders of the package
    "documents": "programs of documents and examples of docstrings",
    "faults": "every store behind a network that fails, each at every request",
    "promises": "the promises of docs/commits.md, each over several stores",
    "updates": "writers at once in every store",
    "stores/sql/adoption": "a model for each form of table that other programs made",
    # packages of programs, with the tests that start them
    "contention": "processes that write the same records, and their audit",
    "crash": "processes that are killed in commits, and their audit",
    "servers": "the servers that tests start",
    "twin": "a shop in one store against its twin in many",
    "session/concurrent_ends": "processes that write both ends of references",
    "session/final_states": "commits against a dictionary, in every store",
    "session/interleaving": "a model checker over the steps of a commit",
}
_WITH_PROGRAMS = {
    "contention",
    "crash",
    "faults",
    "promises",
    "servers",
    "session/concurrent_ends",
    "session/final_states",
    "session/interleaving",
    "twin",
    "typing",
    "typing/inspected",
    "updates",
}
_OTHER_MODULES = {
    "stores/conform.py": "a test that `make conform` runs on the store it is given",
}


def _place(path: Path) -> str:
    return path.relative_to(_TESTS).as_posix()


def _modules(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*.py")) if path.parent != root]


def _misplaced(tests: Path, package: Path) -> list[str]:
    """The folders of tests that neither the package has nor the list names."""
    folders = {path.parent.relative_to(tests) for path in _modules(tests)}
    return [
        folder.as_posix()
        for folder in sorted(folders)
        if not (package / folder).is_dir() and folder.as_posix() not in _OTHER_FOLDERS
    ]


def test_folders_are_those_of_the_package() -> None:
    assert _misplaced(_TESTS, PACKAGE) == []


def test_what_the_lists_name_is_there() -> None:
    assert [name for name in [*_OTHER_FOLDERS, *_OTHER_MODULES] if not (_TESTS / name).exists()] == []
    assert [name for name in _OTHER_FOLDERS if (PACKAGE / name).is_dir()] == []
    assert _OTHER_FOLDERS.keys() >= _WITH_PROGRAMS


def _is_at_home(path: Path) -> bool:
    folder = _place(path.parent)
    return (
        path.name.startswith("test_")
        or path.name in ("conftest.py", "__init__.py")
        or folder.partition("/")[0] == "support"
        or folder in _WITH_PROGRAMS
        or _place(path) in _OTHER_MODULES
    )


def test_a_module_is_a_test_or_lies_with_what_supports_tests() -> None:
    assert [_place(path) for path in _modules(_TESTS) if not _is_at_home(path)] == [], "move them to tests/support"


def test_a_folder_of_its_own_is_seen(tmp_path: Path) -> None:
    """The planted fault."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "test_odd.py").touch()
    assert _misplaced(tmp_path, PACKAGE) == ["odd"]
