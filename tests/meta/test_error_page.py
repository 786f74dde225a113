"""Every error and every code of a problem document has a meaning, a way out and a place on the page of errors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdall import errors
from holdall.errors import PROBLEMS, WAYS
from tests.support.sources import HOUSE, PACKAGE, house_files, parsed
from tests.support.terminal import invoke
from tools.build_errors import page, pages

_CODED = {"Problem": (1, 0), "login_problem": (1, 0)}  # where a call has its code, and its status


def _codes(folder: Path) -> Iterator[tuple[str, int | None]]:
    """The codes of problems that modules make, with their statuses where these are written out."""
    for path in house_files(folder, "*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CODED:
                code, status = (node.args[place] for place in _CODED[node.func.id])
                if isinstance(code, ast.Constant):
                    known = status.value if isinstance(status, ast.Constant) else None
                    yield str(code.value), known if isinstance(known, int) else None


def test_every_class_of_error_has_a_way_out() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.HoldallError)
    }
    assert set(WAYS) == classes


def test_every_code_that_a_problem_is_made_with_is_in_the_table_with_its_status() -> None:
    made = set(_codes(PACKAGE))
    assert len(made) > 40
    wrong = [
        (code, status)
        for code, status in made
        if code not in PROBLEMS
        or (status is not None and PROBLEMS[code].statuses and status not in PROBLEMS[code].statuses)
    ]
    assert wrong == []
    named = {
        code for path in house_files(PACKAGE / "web", "*.py") for code in PROBLEMS if f'"{code}"' in path.read_text()
    }
    assert set(PROBLEMS) - named == set(), "no module makes these"


def test_a_code_without_a_place_is_seen(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("raise Problem(418, 'teapot', 'x')\n")
    assert list(_codes(tmp_path)) == [("teapot", 418)]
    assert "teapot" not in PROBLEMS


def test_the_page_is_that_of_the_tables() -> None:
    assert (HOUSE / "docs" / "errors.md").read_text() == page(), "run make files"


@pytest.mark.parametrize("code", ["StaleVersion", "stale", "urn:holdall:stale"])
def test_the_terminal_tells_of_an_error(code: str, tmp_path: Path) -> None:
    said = invoke(tmp_path, "error", code)
    assert (said.code, "changed" in said.output or "changed" in said.output.lower()) == (0, True)


def test_an_error_that_is_none_is_refused_and_all_are_listed(tmp_path: Path) -> None:
    refused = invoke(tmp_path, "error", "StaleVersio")
    assert (refused.code, "did you mean StaleVersion" in refused.errors) == (2, True)
    assert set(invoke(tmp_path, "error").output.split()) == {*WAYS, *PROBLEMS}


def test_each_code_and_class_has_a_page_of_its_own_in_the_site() -> None:
    found = pages()
    assert found.keys() == {f"errors/{name}" for name in (*PROBLEMS, *WAYS)}
    assert found["errors/stale"].startswith("# urn:holdall:stale\n\n")
    assert PROBLEMS["stale"].way in found["errors/stale"]
    assert "](#" not in "".join(found.values()), "leads to a part of the page of all"
