"""A record that gets another key takes along what its store has of it and no model knows: fields, and comments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from redis import Redis

from holdall import Holdall, Model, Ref, field
from holdall.stores.redis import RedisCollection
from holdall.stores.yaml import YamlCollection

pytestmark = pytest.mark.anyio


class Shelf(Model, collection="shelf"):
    code: str = field(pk=True)
    name: str
    books: int = 0


class Book(Model, collection="book"):
    id: int = field(pk=True)
    shelf: Ref[Shelf]


def _app(url: str, options: object = None, journal: str | None = None, **more: str) -> Holdall:
    app = Holdall("library", journal=journal)
    collections = {} if options is None else {"collections": {"shelf": options}}
    app.add_store("main", url, **collections, **more)
    app.add(Shelf, store="main")
    if journal is not None:
        app.add_store("other", "yaml:" + journal.removeprefix("sqlite:///").removesuffix(".db"))
        app.add(Book, store="other")
    return app


async def _rename(app: Holdall) -> None:
    async with app.session() as s:
        shelf = await s.require(Shelf, "A")
        s.change_key(shelf, "B")
        shelf.books = 4
    async with app.session() as s:
        assert await s.get(Shelf, "A") is None
        assert [(each.code, each.name, each.books) for each in await s.query(Shelf.where().sort(Shelf.code))] == [
            ("B", "first", 4),
            ("Z", "last", 0),
        ]
        if "other" in app.stores:
            assert (await s.require(Book, 1)).shelf.key == "B"
    await app.close()


async def _filled(app: Holdall) -> None:
    await app.create()
    async with app.session() as s:
        first, _ = s.add_all([Shelf(code="A", name="first", books=3), Shelf(code="Z", name="last")])
        if "other" in app.stores:
            s.add(Book(id=1, shelf=first))


@pytest.mark.parametrize("way", ["alone", "with a book of another store"])
async def test_fields_of_documents(
    mongo_url: str, way: str, tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    url = fresh_database(mongo_url)
    app = _app(url, journal=f"sqlite:///{tmp_path}/journal.db" if way != "alone" else None)
    await _filled(app)
    client: MongoClient[Any] = MongoClient(url)
    shelves = client.get_default_database()["shelf"]
    shelves.update_one({"_id": "A"}, {"$set": {"colour": {"r": 1}, "tags": ["x", None]}})
    await _rename(app)
    assert shelves.find_one({"_id": "B"}) == {
        "_id": "B", "name": "first", "books": 4, "colour": {"r": 1}, "tags": ["x", None],
    }  # fmt: skip
    assert "colour" not in (shelves.find_one({"_id": "Z"}) or {})
    client.close()


@pytest.mark.parametrize("encoding", ["json", "typed"])
async def test_fields_of_hashes(redis_url: str, encoding: Any) -> None:
    app = _app(redis_url, RedisCollection(encoding=encoding), prefix=f"keep{encoding}")
    client = Redis.from_url(redis_url)
    await _filled(app)
    client.hset(f"keep{encoding}:shelf:A", mapping={"colour": "12345678901234567890.5", "raw": b"\0\xff"})
    await _rename(app)
    found: Any = client.hgetall(f"keep{encoding}:shelf:B")
    assert (found[b"colour"], found[b"raw"]) == (b"12345678901234567890.5", b"\0\xff")
    assert b"colour" not in client.hgetall(f"keep{encoding}:shelf:Z")
    client.close()


_LISTED = """# all
- code: A  # mine
  name: 'first'
  # how many
  books: 3
- {code: Z, name: last, books: 0}
"""
_MAPPED = """rooms:
  shelves:
    A:  # mine
      name: 'first'
      # how many
      books: 3
    Z: {name: last, books: 0}
else: 1
"""
_FILE = "# of all\nname: 'first'  # said so\n# how many\nbooks: 3\n"
FORMS: dict[str, tuple[object, dict[str, str], dict[str, str]]] = {
    "files": (
        None,
        {"shelf/A.yaml": _FILE, "shelf/Z.yaml": "name: last\nbooks: 0\n"},
        {"shelf/B.yaml": _FILE.replace("3", "4") + "code: B\n", "shelf/Z.yaml": "name: last\nbooks: 0\n"},
    ),
    "files with keys": (
        None,
        {"shelf/A.yaml": "code: A  # mine\nname: first\nbooks: 3\n", "shelf/Z.yaml": "name: last\nbooks: 0\n"},
        {"shelf/B.yaml": "code: B  # mine\nname: first\nbooks: 4\n", "shelf/Z.yaml": "name: last\nbooks: 0\n"},
    ),
    "list": (
        YamlCollection(layout="collection"),
        {"shelf.yaml": _LISTED},
        {"shelf.yaml": _LISTED.replace("A  #", "B  #").replace("3", "4")},
    ),
    "mapping": (
        YamlCollection(layout="mapping", file="shelves.yaml", at="rooms.shelves"),
        {"shelves.yaml": _MAPPED},
        {"shelves.yaml": _MAPPED.replace("A:", "B:").replace("3", "4")},
    ),
}


@pytest.mark.parametrize("form", list(FORMS))
async def test_comments_of_files(form: str, tmp_path: Path) -> None:
    options, before, after = FORMS[form]
    for name, text in before.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    app = _app(f"yaml:{tmp_path}", options)
    await _rename(app)
    assert {name: (tmp_path / name).read_text() for name in after} == after
    assert not (tmp_path / "shelf/A.yaml").exists()
