"""``import holdall`` enters no room, and no program gets a driver, a web framework or what an extra installs by it.

Nothing is timed here: ``make bench ARGS=start`` does that. Asyncio is brought in, as every session waits with it.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.support.sources import HOUSE

# Where the module is not named as the distribution is.
_MODULE_NAMES = {"ruamel.yaml": "ruamel", "fastapi-swagger": "fastapi_swagger"}


def _optional_modules() -> set[str]:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    names = {
        Requirement(line).name
        for extra, lines in project["optional-dependencies"].items()
        if extra != "all"
        for line in lines
    }
    return {_MODULE_NAMES.get(name, name) for name in names} | {"starlette", "pydantic"}


# With msgspec's own.
_PACKAGES = {"holdall", "msgspec", "typing_extensions"}
# What a program needs that declares models and does no more.
_DECLARING = {"codegen", "errors", "model", "query"}
_ROOMS = {
    "actions",
    "app",
    "codegen",
    "errors",
    "events",
    "files",
    "model",
    "policy",
    "query",
    "selections",
    "service",
    "session",
    "store",
}
# Parts of the standard library that take their time, and that only some programs need.
_LATE = {
    "argparse",
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "csv",
    "email",
    "hashlib",
    "html",
    "http",
    "importlib.metadata",
    "logging.handlers",
    "multiprocessing",
    "pickle",
    "shutil",
    "sqlite3",
    "tempfile",
    "unittest",
    "urllib.request",
    "xml",
    "zipfile",
}


def _imported_by(statement: str) -> set[str]:
    """The modules that are there after the statement, and were not before."""
    program = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """All that ``holdall`` exports."""
    return _imported_by("from holdall import *")


def test_the_library_alone_imports_no_optional_driver(imported: set[str]) -> None:
    assert _packages(imported) & _optional_modules() == set()


def test_the_library_alone_imports_msgspec_and_no_other_package(imported: set[str]) -> None:
    assert _packages(imported) - sys.stdlib_module_names <= _PACKAGES


def _rooms(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("holdall.")}


def test_the_library_alone_enters_the_rooms_that_every_program_needs(imported: set[str]) -> None:
    assert _rooms(imported) == _ROOMS


def test_names_come_when_they_are_asked_for() -> None:
    assert _rooms(_imported_by("import holdall")) == set()
    assert _rooms(_imported_by("from holdall import Model, Ref, field, asc")) == _DECLARING


def test_the_library_alone_leaves_the_slow_parts_of_the_standard_library(imported: set[str]) -> None:
    assert imported & _LATE == set()


@pytest.mark.parametrize("module", ["sqlalchemy", "fastapi"])
def test_an_optional_driver_would_be_seen(module: str) -> None:
    assert module in _packages(_imported_by(f"import {module}")) & _optional_modules()


def test_a_slow_part_would_be_seen() -> None:
    assert _imported_by("import http.client") & _LATE >= {"http", "email"}
