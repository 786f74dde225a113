"""Every package of an extra is imported in ``src``, and every package that is imported is installed by one."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.sources import HOUSE, PACKAGE, house_files, parsed

_PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
_EXTRAS: dict[str, list[str]] = {
    name: lines for name, lines in _PROJECT["optional-dependencies"].items() if name != "all"
}

# Packages that are used by their names, without an import statement.
_BY_NAME = {
    "asyncmy": "a driver that SQLAlchemy imports",
    "fastapi-swagger": "files of its folder are served",
}
_NOT_OURS = {
    *("annotationlib", "hypothesis", "pytest"),  # of Python 3.14; whoever uses ``holdall.testing`` has the others
    *("opentelemetry-sdk", "opentelemetry-semantic-conventions"),  # they share the API's package
}


def _named(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def _imported(folder: Path) -> set[str]:
    """The distributions that the modules below the folder import."""
    found = set[str]()
    for path in house_files(folder, "*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                found |= {item.name.partition(".")[0] for item in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).partition(".")[0])
    distributions = _distributions()
    modules = found - set(sys.stdlib_module_names) - {"holdall"}
    return {canonicalize_name(name) for module in modules for name in distributions.get(module, [module])}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _imported_here() -> frozenset[str]:
    """Looked for on first use: every process collects this module, and one runs its tests."""
    return frozenset(_imported(PACKAGE))


def _brought_along(name: str) -> set[str]:
    """What a distribution itself cannot do without."""
    try:
        lines = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:  # of another platform
        return set()
    return {canonicalize_name(line.name) for line in lines if line.marker is None or "extra" not in str(line.marker)}


@pytest.mark.parametrize("extra", _EXTRAS)
def test_an_extra_holds_only_what_is_imported(extra: str) -> None:
    assert _named(_EXTRAS[extra]) - _imported_here() - _BY_NAME.keys() == set()


def test_what_is_always_installed_is_imported() -> None:
    assert _named(_PROJECT["dependencies"]) - _imported_here() == set()


def test_what_is_imported_is_installed_by_an_extra_or_by_what_it_brings_along() -> None:
    asked = _named([*_PROJECT["dependencies"], *(line for lines in _EXTRAS.values() for line in lines)])
    installed = asked
    for _ in range(2):  # pydantic-core comes with pydantic, which comes with fastapi
        installed = installed.union(*map(_brought_along, installed))
    assert _imported_here() - installed - _NOT_OURS == set()


def test_all_is_every_extra() -> None:
    (line,) = _PROJECT["optional-dependencies"]["all"]
    assert Requirement(line).extras == set(_EXTRAS)


@pytest.mark.parametrize("name", _BY_NAME)
def test_what_is_used_by_its_name_is_named_in_the_code(name: str) -> None:
    word = re.compile(rf'"{name.replace("-", "[-_]")}\b')
    assert any(word.search(path.read_text()) for path in house_files(PACKAGE, "*.py"))


def test_a_package_that_nobody_imports_is_found(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("import apsw\nfrom sqlalchemy.orm import Session\nimport json\n")
    assert _imported(tmp_path) == {"apsw", "sqlalchemy"}
    assert _named(_EXTRAS["sql"]) - _imported(tmp_path) == {"asyncpg", "alembic"}
