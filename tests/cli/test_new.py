"""``holdall new``: each scaffold is a project that runs, and names that make none are refused."""

from __future__ import annotations

import ast
import importlib
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from holdall.testing.service_client import ServiceClient
from tests.support.terminal import invoke


def test_a_new_project_fits_its_store_is_typed_and_formatted(tmp_path: Path) -> None:
    said = invoke(tmp_path, "new", "book-shop")
    assert (said.code, said.errors) == (0, "")
    assert "holdall serve book_shop:app --create --reload" in said.output
    folder = tmp_path / "book-shop"
    image = (folder / "Dockerfile").read_text().splitlines()
    assert image.index("WORKDIR /data") > image.index("USER app")  # where sqlite:///book_shop.db may be made
    assert invoke(folder, "create", "book_shop:app").code == 0
    assert invoke(folder, "check", "book_shop:app").code == 0
    assert (folder / "book_shop.db").exists()
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text())
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["holdall[cli,web,sql]"]
    style = [sys.executable, "-m", "ruff", "check", "-q", "--isolated", "--line-length=120", "--select=E,F,I,UP,B"]
    checked = subprocess.run([*style, "."], capture_output=True, text=True, check=False, cwd=folder)
    assert checked.stdout == ""


def test_a_new_project_with_a_back_office_lets_an_account_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = invoke(tmp_path, "new", "run-shop", "--admin")
    assert said.output.splitlines()[-1] == "  holdall serve run_shop:service --reload"
    folder = tmp_path / "run-shop"
    assert invoke(folder, "create", "run_shop:app").code == 0
    assert invoke(folder, "user", "add", "run_shop:users", "ann", given="correct horse battery\n").code == 0
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    with ServiceClient(importlib.import_module("run_shop").service) as client:
        assert b"password" in client.get("/admin/login", expect=200).body
        assert client.post("/tasks", {"title": "Buy bread"}).json()["done"] is False


def test_the_tests_of_a_new_project_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke(tmp_path, "new", "tried-shop", "--store", "yaml:./records").code == 0
    folder = tmp_path / "tried-shop"
    assert 'holdall[cli,web]"' in (folder / "pyproject.toml").read_text()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("TRIED_SHOP_STORE", "memory:")
    tests = [each for name, each in runpy.run_path(str(folder / "tests/test_tried_shop.py")).items() if "test_" in name]
    with ServiceClient(importlib.import_module("tried_shop").app.asgi()) as client:
        for test in tests:
            test(client)
    assert len(tests) == 2


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["Shop"], "write small letters"),
        (["1shop"], "write small letters"),
        (["a/b"], "write small letters"),
        (["class"], "write small letters"),
        (["json"], "is the name of a module that is needed"),
        (["holdall"], "is the name of a module that is needed"),
        (["shop", "--store", "sqlit:///x"], "did you mean sqlite"),
        (["shop", "--store", "shop.db"], "a SQLite file is sqlite:///file.db"),
        (["shop", "--store", "https://shop.example"], "holdall inspect https://shop.example writes models"),
    ],
)
def test_a_name_or_store_that_makes_no_project_is_refused(arguments: list[str], said: str, tmp_path: Path) -> None:
    refused = invoke(tmp_path, "new", *arguments)
    assert refused.code == 2
    assert said in refused.errors
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    refused = invoke(tmp_path, "new", "shop")
    assert (refused.code, "is there already" in refused.errors) == (1, True)
    assert list((tmp_path / "shop").iterdir()) == []
