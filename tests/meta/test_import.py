"""``import holdall`` is light: it brings in no driver, no web framework, nothing that an extra installs."""

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


def _imported_by(statement: str) -> set[str]:
    program = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_library_alone_imports_no_optional_driver() -> None:
    assert _imported_by("import holdall") & _optional_modules() == set()


@pytest.mark.parametrize("module", ["sqlalchemy", "fastapi"])
def test_an_optional_driver_would_be_seen(module: str) -> None:
    assert module in _imported_by(f"import {module}") & _optional_modules()
