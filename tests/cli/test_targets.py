from __future__ import annotations

from pathlib import Path

import pytest

from holdall import Holdall
from holdall.cli.failure import Failure
from holdall.cli.target import Target

_MODULE = """
from __future__ import annotations
from holdall import Holdall, Model, Ref, field

class Book(Model):
    id: int = field(pk=True)

def declared():
    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Book, store="main")
    return app

app = declared()
shelf = type("Shelf", (), {"app": app})
number = 7
nothing = None

def make(): return app
def make_with(name): return app
def fail(): return 1 / 0
async def later(): return app
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module of its own for each test: an import is remembered."""
    name = f"library_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(_MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("name", ["app", "make", "shelf.app"])
def test_an_application_is_found(module: str, name: str) -> None:
    target = Target(f"{module}:{name}")
    assert isinstance(target.app, Holdall)
    assert target.service().holdall is target.app


def test_a_service_is_taken_as_it_is(module: str) -> None:
    app = Target(f"{module}:app").app
    service = app.asgi()
    app.__dict__["service"] = service
    target = Target(f"{module}:app.service")
    assert target.app is app
    assert target.service() is service


@pytest.mark.parametrize(
    "name, code, sentence",
    [
        ("nope", 2, "has no nope"),
        ("app.nope", 2, "has no app.nope"),
        ("number", 2, "is of type int; it must be a Holdall"),
        ("nothing", 2, "is None; it must be a Holdall"),
        ("make_with", 2, "cannot be called without arguments"),
        ("later", 2, "is an async function"),
        ("fail", 1, r"fails at .*library_\d+\.py:\d+ with ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_no_application_is_told(module: str, name: str, code: int, sentence: str) -> None:
    with pytest.raises(Failure, match=sentence) as caught:
        Target(f"{module}:{name}")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("library", "not of the form module:app"),
        (":app", "not of the form module:app"),
        ("library:", "not of the form module:app"),
        ("library.py:app", "is a file"),
        ("folder/library:app", "is a file"),
        ("no_such_module_anywhere:app", "there is no module no_such_module_anywhere"),
        ("json.no_such:app", r"there is no module json\.no_such"),
    ],
)
def test_what_names_no_module_is_told(text: str, sentence: str) -> None:
    with pytest.raises(Failure, match=sentence) as caught:
        Target(text)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "name, source, sentence",
    [
        ("needy", "import not_there_either", r"needy\.py:1 with ModuleNotFoundError"),
        ("unclosed", "x = (", r"unclosed\.py:1 with SyntaxError"),
        ("leaving", "\nraise SystemExit(3)", r"leaving\.py:2 with SystemExit: 3"),
    ],
)
def test_a_module_that_fails_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, sentence: str
) -> None:
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Failure, match=sentence) as caught:
        Target(f"{name}:app")
    assert caught.value.code == 1


def test_a_mistake_in_a_declaration_is_told_with_the_line_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_configured.py").write_text(
        "from holdall import Holdall\napp = Holdall('library')\napp.add_store('reference', 'sqlite')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Failure) as refused:
        Target("half_configured:app")
    assert f"{tmp_path}/half_configured.py:3 with DeclarationError: store 'reference': " in str(refused.value)
