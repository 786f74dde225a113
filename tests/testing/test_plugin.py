"""The plugin of pytest in a project of its own: isolation, clients, several stores; nothing where it is not used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.early

CONFTEST = """
import asyncio

import pytest

from holdall import Everyone, Holdall, Model, Policy, field


class Book(Model):
    id: int = field(pk=True, generated=True)
    title: str


library = Holdall("library")
library.add_store("main", "sqlite:///library.db")
library.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))


@pytest.fixture(scope="session")
def tables():
    async def create():
        await library.create()
        for store in library.stores.values():
            await store.close()

    asyncio.run(create())


@pytest.fixture
def holdall_app(tables):
    return library
"""

TESTS = """
import pytest

from conftest import Book


@pytest.mark.parametrize("number", range(3))
def test_nothing_stays(holdall_client, number):
    assert holdall_client.get("/book").json()["total_count"] == 0
    holdall_client.post("/book", {"title": "Emma"})
    assert holdall_client.get("/book").json()["total_count"] == 1


def test_a_status_that_is_not_expected(holdall_client):
    with pytest.raises(AssertionError, match="title"):
        holdall_client.post("/book", {"title": 1})
    assert holdall_client.post("/book", {"title": 1}, expect=422).json()["errors"]


SEEN = []


@pytest.mark.holdall_stores("memory:", "sqlite://")
def test_several_stores(holdall_client, holdall_store):
    SEEN.append(holdall_store)
    holdall_client.post("/book", {"title": "Emma"})
    assert holdall_client.get("/book").json()["total_count"] == 1


def test_all_of_them_were_there():
    assert sorted(SEEN) == ["memory:", "sqlite://"]


@pytest.mark.anyio
async def test_without_a_thread(isolated_app, holdall_async_client):
    async with isolated_app as app:
        await holdall_async_client.post("/book", {"title": "Emma"})
        async with app.session() as session:
            assert await session.count(Book.where()) == 1
        for store in app.stores.values():
            await store.close()


@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-W", "error", "--strict-markers", *arguments]
    command = [sys.executable, "-m", "pytest", "--assert=plain", *options, str(folder)]  # to rewrite all takes seconds
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_a_project_with_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_library.py").write_text(TESTS)
    done = run(tmp_path, "-p", "holdall.testing.plugin")
    assert "8 passed" in done.stdout, done.stdout + done.stderr


def test_a_project_that_does_not_say_its_application(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_it(holdall_client): ...\ndef test_other(): ...\n")
    done = run(tmp_path, "-p", "holdall.testing.plugin")
    assert "define a fixture holdall_app" in done.stdout
    assert "1 passed" in done.stdout


def test_it_imports_nothing_until_it_is_used(tmp_path: Path) -> None:
    text = "import sys\ndef test_it():\n    assert not {'holdall.web', 'sqlalchemy'} & sys.modules.keys()\n"
    (tmp_path / "test_nothing.py").write_text(text)
    assert "1 passed" in run(tmp_path, "-p", "holdall.testing.plugin").stdout
