"""Differences that are accepted outside of SQL: MongoDB, Redis and YAML name them by the same words."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import DeclarationError
from holdall.store import ACCEPTABLE, DIFFERENCES, Difference
from tests.support.dropping import drop
from tests.support.sources import PACKAGE, house_files

pytestmark = pytest.mark.anyio


class Item(Model, collection="item"):
    id: int = field(pk=True)
    name: str = ""


class Sorted(Model, collection="item"):
    id: int = field(pk=True)
    name: str = field(default="", index=True)
    alias: str | None = field(default=None, unique=True)
    size: int


def _app(url: str, model: type[Model], accept: list[str]) -> Holdall:
    app = Holdall("items")
    options: dict[str, Any] = {"scan_limit": 1_000} if url.startswith("redis") else {}
    app.add_store("main", url, **options)
    app.add(model, store="main", accept=accept)
    return app


async def _codes(app: Holdall) -> tuple[set[str], set[str]]:
    """The names of what is not accepted, and of what is."""
    left, taken = (await app.inspect()).get("main", []), (await app.accepted()).get("main", [])
    assert all(isinstance(each, Difference) and each.code in DIFFERENCES for each in [*left, *taken]), [*left, *taken]
    return ({each.code for each in left if isinstance(each, Difference)}, {each.code for each in taken})  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["mongo_url", "redis_url"])
async def test_of_servers(name: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(name)
    first = _app(url, Item, [])
    first.bindings.configure()
    await drop(first.stores["main"])
    await first.create()
    async with first.session() as session:
        session.add_all([Item(id=number, name=f"n{number}") for number in range(3)])
    refused, some, every = (
        _app(url, Sorted, accept) for accept in ([], ["index"], ["index", "null", "values", "unique"])
    )
    left, taken = await _codes(refused)
    assert {"index", "null", "unique"} <= left
    assert taken == set()
    left, taken = await _codes(some)
    assert "index" not in left
    assert "unique" in left
    assert taken == {"index"}
    left, taken = await _codes(every)
    assert left == set()
    assert {"index", "null", "unique"} <= taken
    await drop(first.stores["main"])
    for app in (first, refused, some, every):
        await app.close()


@pytest.mark.parametrize("layout", ["record", "collection"])
async def test_of_files(layout: str, tmp_path: Path) -> None:
    if layout == "record":
        (tmp_path / "item").mkdir()
        (tmp_path / "item" / "1.yaml").write_text("name: 7\n")
        (tmp_path / "item" / "notes.txt").write_text("x")
        (tmp_path / "item.yaml").write_text("[]")
    else:
        (tmp_path / "item.yaml").write_text("- id: 1\n  name: 7\n")
        (tmp_path / "item").mkdir()

    def app(accept: list[str]) -> Holdall:
        made = Holdall("items")
        made.add_store("main", f"yaml:{tmp_path}", layout=layout)
        made.add(Item, store="main", accept=accept)
        return made

    assert await _codes(app([])) == ({"values", "unread"}, set())
    assert await _codes(app(["values"])) == ({"unread"}, {"values"})
    assert await _codes(app(["values", "unread"])) == (set(), {"values", "unread"})


@pytest.mark.parametrize(
    "url, name",
    [
        ("mongodb://127.0.0.1/none", "trigger"),
        ("redis://127.0.0.1", "collation"),
        ("yaml:none", "index"),
        ("sqlite:///none.db", "unread:name"),
        ("postgresql://127.0.0.1/none", "index"),
    ],
)
def test_what_a_store_never_tells_of_is_refused_with_what_it_tells(url: str, name: str) -> None:
    app = Holdall("items")
    app.add_store("main", url)
    with pytest.raises(DeclarationError, match="never reports; it knows: ") as refused:
        app.add(Item, store="main", accept=["values", name])
    known = str(refused.value).rpartition(": ")[2].split(", ")
    assert {"unique", "values"} <= set(known) <= ACCEPTABLE
    app.add(Item, store="main", accept=known)


_ROOMS = {
    "sql": "sqlite:///none.db",
    "mongo": "mongodb://127.0.0.1/none",
    "redis": "redis://127.0.0.1",
    "yaml": "yaml:none",
}


@pytest.mark.parametrize("room, url", list(_ROOMS.items()))
def test_the_names_that_stores_declare_stand_in_what_they_tell(room: str, url: str) -> None:
    """Those that no line of the store writes could never be told of."""
    app = Holdall("items")
    app.add_store("main", url)
    store: Any = app.stores["main"]
    written = {
        each.value
        for path in house_files(PACKAGE / "stores" / room, "*.py")
        if path.name != "store.py"
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    assert store.capabilities.differences <= written
