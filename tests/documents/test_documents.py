"""Documents that hold: their commands exist, their links lead somewhere, their programs run."""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.support.loggers import loggers_kept
from tests.support.preloaded import run_preloaded
from tests.support.sources import HOUSE, house_files

# As python -W error does, but for imports of Holdall; the program of the README starts Python itself.
_STRICT = (
    "import runpy, sys, warnings; warnings.simplefilter('error'); runpy.run_path(sys.argv[1], run_name='__main__')"
)
_DOCUMENTS = house_files(HOUSE, "*.md")
_PROGRAMS = house_files(HOUSE / "docs", "*.py")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:)([^)#]+)[^)]*\)")


def _name(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def _blocks(text: str, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text) if found == language]


def _run(source: str, module: types.ModuleType) -> None:
    code = compile(source, module.__name__, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, module.__dict__)
    if inspect.iscoroutine(result):
        asyncio.run(result)


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_commands_are_verbs_of_the_makefile(path: Path) -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    asked = {
        verb for body in _blocks(path.read_text(), "sh") for verb in re.findall(r"^make ([a-z-]+)", body, re.MULTILINE)
    }
    assert asked - verbs == set()


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    assert [link for link in _LINK.findall(path.read_text()) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", [path for path in _DOCUMENTS if _blocks(path.read_text(), "python")], ids=_name)
def test_examples_of_a_document_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType(f"document_{path.stem.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with loggers_kept():
        _run("\n".join(_blocks(path.read_text(), "python")), module)


def test_loggers_that_an_example_sets_are_put_back() -> None:
    set_up = logging.getLogger("planted")
    set_up.setLevel(logging.WARNING)
    made = "planted.made_by_an_example"
    source = f"""
import logging
logging.getLogger("planted").setLevel(logging.INFO)
logging.getLogger("planted").addHandler(logging.NullHandler())
logging.getLogger("{made}").setLevel(logging.CRITICAL)
logging.getLogger("{made}").propagate = False
"""
    with loggers_kept():
        _run(source, types.ModuleType("planted"))
        assert (set_up.level, len(set_up.handlers)) == (logging.INFO, 1)
    assert (set_up.level, set_up.handlers) == (logging.WARNING, [])
    assert (logging.getLogger(made).level, logging.getLogger(made).propagate) == (logging.NOTSET, True)


def test_the_program_of_the_readme_can_be_pasted_run_twice_and_served(tmp_path: Path) -> None:
    (program,) = _blocks((HOUSE / "README.md").read_text(), "python")
    (tmp_path / "library.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", "library.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("L'Œuvre au noir by Marguerite Yourcenar\n", "")
    done = run_preloaded("-c", _STRICT, "library.py", folder=tmp_path)
    assert (done.stdout, done.stderr) == ("L'Œuvre au noir by Marguerite Yourcenar\n" * 2, "")
    fits = run_preloaded("-m", "holdall", "check", "library:app", folder=tmp_path)
    assert (fits.returncode, fits.stderr) == (0, "")


@pytest.mark.parametrize("path", _PROGRAMS, ids=_name)
def test_programs_of_the_documents_run(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    named = {"REDIS_URL": "redis_url"}  # the servers a program needs, told by the environment
    servers = {name: request.getfixturevalue(it) for name, it in named.items() if name in path.read_text()}
    done = run_preloaded("-c", _STRICT, str(path), folder=tmp_path, environment={**os.environ, **servers})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_failing_example_is_seen() -> None:
    with pytest.raises(ZeroDivisionError):
        _run("async def f():\n    return 1 / 0\nawait f()", types.ModuleType("planted"))
