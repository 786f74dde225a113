"""Files of records: what is exported comes back equal, in any store; lines that cannot be records are told."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall import Everyone, FieldRights, Holdall, Many, Model, Nobody, Policy, Ref, Role, User, field
from holdall.errors import DeclarationError, Forbidden, LimitExceeded, QueryError, ValidationError
from tests.support.local_stores import LOCAL, local_url
from tests.support.service_of_everything import Country, Line, Thing, everything

pytestmark = pytest.mark.anyio

TEXTS = ["", "a", "=1+1", "'=1", '"quoted", with, commas', "two\nlines", "\r\n", "null", "Ångström 🚀", " space "]


class Town(Model, collection="towns"):
    id: int = field(pk=True, generated=True)
    name: str
    country: Ref[Country | None] = field(default=None)
    twins: Many[Town] = field(default=())
    seen: datetime = field(auto_now="create")


def world(url: str) -> Holdall:
    app = everything(url)
    app.add(Town, store="main")
    return app


async def filled(app: Holdall) -> None:
    await app.create()
    async with app.session() as session:
        france = session.add(Country(code="FR", name="=France"))
        towns = [session.add(Town(name=text, country=france)) for text in TEXTS]
        for twin in towns[1:3]:
            towns[3].twins.add(twin)
        line = session.add(Line(order=1, code="a,b", text="x"))
        for number, text in enumerate(TEXTS):
            made = Thing(
                text=text, number=-number, ratio=1 / 3, price=Decimal("1.50"), free=Decimal("1E+3"), blob=text.encode(),
                day=date(2020, 1, 1), tags=[text], numbers={text: number}, anything={"deep": [text, None]},
                line=line, cities=(),
            )  # fmt: skip
            session.add(made)


async def content(app: Holdall, model: type[Any]) -> list[str]:
    async with app.session() as session:
        return sorted(record.to_json() for record in await session.query(model.where()))


@pytest.mark.parametrize(
    "form, kind", [*[(form, kind) for kind in LOCAL for form in ("csv", "ndjson")], ("yaml", LOCAL[0])]
)
async def test_a_file_brings_back_every_value(tmp_path: Path, kind: str, form: str) -> None:
    (tmp_path / "b").mkdir()
    source, target = world("memory:"), world(local_url(kind, tmp_path / "b"))
    await filled(source)
    await target.create()
    for model in (Country, Town, Line, Thing):
        path = tmp_path / f"{model.__name__}.{form}"
        number = await source.export_records(model, path)
        report = await target.import_records(model, path, batch=3)
        assert (report.failures, report.created, report.lines) == ((), number, number)
        assert await content(target, model) == await content(source, model)
        again = await target.import_records(model, path, upsert=True, batch=4)
        assert (again.created, again.changed, again.unchanged, again.failed) == (0, 0, number, 0)
    await source.close()
    await target.close()


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = field(default="", length=(0, 20))
    isbn: str | None = field(default=None, unique=True)
    margin: int = 0
    version: int = field(version=True)


def library(url: str = "memory:", policy: Policy | None = None) -> Holdall:
    app = Holdall("library")
    app.add_store("main", url)
    app.add(Book, store="main", policy=policy or Policy(read=Everyone, write=Everyone))
    return app


@pytest.mark.parametrize("kind", LOCAL)
async def test_lines_that_cannot_be_records_are_told_and_not_stored(tmp_path: Path, kind: str) -> None:
    app, path = library(local_url(kind, tmp_path)), tmp_path / "books.csv"
    await app.create()
    path.write_text("id,title,isbn\n1,a,x\n2," + "long" * 10 + ",\nthree,c,\n\n1,again,\n5,e,x\n6,f\n7,g,y\n")
    report = await app.import_records(Book, path)
    assert [failure.line for failure in report.failures] == [3, 4, 6, 7, 8]
    assert (report.lines, report.created, report.failed) == (7, 2, 5)
    assert [json.loads(text)["id"] for text in await content(app, Book)] == [1, 7]
    dry = await app.import_records(Book, path, upsert=True, dry_run=True)
    assert dry.is_dry_run
    assert "would be" in str(dry)
    assert [json.loads(text)["id"] for text in await content(app, Book)] == [1, 7]
    await app.close()


async def test_a_line_changes_the_record_of_its_key(tmp_path: Path) -> None:
    app, path = library(), tmp_path / "books.jsonl"
    async with app.session() as session:
        session.add_all([Book(id=1, title="a", margin=3), Book(id=2, title="b")])
    path.write_text('{"id": 1, "title": "A"}\n{"id": 2, "title": "b"}\n{"id": 3}\n{"title": "none"}\n')
    report = await app.import_records(Book, path, upsert=True)
    assert (report.created, report.changed, report.unchanged, report.failed) == (1, 1, 1, 1)
    async with app.session() as session:
        books = {book.id: book for book in await session.query(Book.where())}
    assert [(each.title, each.margin, each.version) for each in books.values()] == [
        ("A", 3, 2),
        ("b", 0, 1),
        ("", 0, 1),
    ]
    await app.close()


async def test_users_export_what_they_may_read_and_import_what_they_may_write(tmp_path: Path) -> None:
    rights = {"margin": FieldRights(read=Role("accounting"), write=Nobody)}
    policy = Policy(read=Book.id < 10, create=Role("editor"), update=Nobody, delete=Nobody, fields=rights)
    app, path = library(policy=policy), tmp_path / "books.csv"
    async with app.session() as session:
        session.add_all([Book(id=1, title="a", margin=7), Book(id=11, title="b", margin=8)])
    reader, editor = User("ann"), User("eve", roles=frozenset({"editor"}))
    assert await app.export_records(Book, path, user=reader) == 1
    with path.open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"id": "1", "title": "a", "isbn": "", "version": "1"}]
    with pytest.raises(QueryError, match="margin"):
        await app.export_records(Book, path, columns=["margin"], user=reader)
    path.write_text("id,title\n2,x\n")
    assert (await app.import_records(Book, path, user=editor)).created == 1
    path.write_text("id,margin\n3,9\n4,0\n")
    with pytest.raises(ValidationError, match="margin"):
        await app.import_records(Book, path, user=editor)
    path.write_text("id,title\n5,x\n")
    with pytest.raises(Forbidden):
        await app.import_records(Book, path, user=reader)
    path.write_text("id,title\n1,changed\n")
    with pytest.raises(Forbidden):
        await app.import_records(Book, path, user=editor, upsert=True)
    await app.close()


async def test_an_export_that_fails_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, path = library(), tmp_path / "books.csv"
    async with app.session() as session:
        session.add(Book(id=1))
    path.write_text("earlier")
    monkeypatch.setattr(Book, "to_json", lambda self, **given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await app.export_records(Book, path)
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == ["books.csv"]
    await app.close()


async def test_what_is_asked_wrongly_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = library()
    for name in ("books.txt", "books"):
        with pytest.raises(DeclarationError, match="csv or ndjson"):
            await app.export_records(Book, tmp_path / name)
    with pytest.raises(OSError, match=r"books\.csv"):
        await app.import_records(Book, tmp_path / "books.csv")
    path = tmp_path / "books.ndjson"
    path.write_bytes(b'{"id": 1, "title": "' + b"x" * 500 + b'"}\n')
    monkeypatch.setattr("holdall.app.transfer.importing._MOST", 100)
    with pytest.raises(LimitExceeded, match="bytes in a line"):
        await app.import_records(Book, path)
    await app.close()


_texts = st.text(st.characters(exclude_characters="\0", codec="utf-8") | st.sampled_from("'=+\"\r\n"), max_size=8)


@settings(suppress_health_check=list(HealthCheck), max_examples=20)
@given(st.lists(st.tuples(_texts, st.none() | _texts.filter(bool)), max_size=8))
def test_any_text_comes_back(tmp_path: Path, rows: list[tuple[str, str | None]]) -> None:
    class Note(Model):
        id: int = field(pk=True)
        text: str
        more: str | None = None

    async def work(form: str) -> None:
        app, path = Holdall("notes"), tmp_path / f"notes.{form}"
        app.add_store("main", "memory:")
        app.add(Note, store="main")
        async with app.session() as session:
            session.add_all([Note(id=number, text=text, more=more) for number, (text, more) in enumerate(rows)])
        await app.export_records(Note, path)
        before = await content(app, Note)
        async with app.session() as session:
            await session.delete(Note.where())
        report = await app.import_records(Note, path)
        assert report.failures == ()
        assert await content(app, Note) == before
        await app.close()

    for form in ("csv", "ndjson"):
        asyncio.run(work(form))


async def test_names_that_stand_twice_are_refused(tmp_path: Path) -> None:
    """Not only the last one counts, whatever a decoder makes of it."""
    app = everything("memory:")
    lines = [
        b'{"code": "FR", "name": "a", "name": "b"}',
        b'{"code": "IT", "name": "a"}',
        b'{"code": "ES", "na\\u006de": "a", "name": "b"}',
    ]
    (tmp_path / "countries.jsonl").write_bytes(b"\n".join(lines))
    report = await app.import_records(Country, tmp_path / "countries.jsonl")
    assert [(each.line, each.errors[0].message) for each in report.failures] == [
        (1, "gives a name twice in one object"),
        (3, "gives a name twice in one object"),
    ]
    assert report.created == 1


async def test_documents_of_yaml(tmp_path: Path) -> None:
    app = everything("memory:")
    documents = [
        "code: FR\nname: France",
        "code: IT\nname: 1",
        "code: &a ES\nname: *a",
        "code: !!str PT\nname: x",
        "code: DE\nname: a\nname: b",
        "- 1",
        "code: [",
        "",
        "code: GB\nname: |\n  two\n  ---\n  lines",
    ]
    path = tmp_path / "countries.yaml"
    path.write_text("\n---\n".join(documents) + "\n---\n")
    report = await app.import_records(Country, path)
    assert (report.lines, report.created, [each.line for each in report.failures]) == (8, 2, [4, 7, 10, 13, 17, 19])
    assert await app.export_records(Country.where(), path) == 2
    assert path.read_text().startswith("---\ncode: FR\nname: France\n")
    before = await content(app, Country)
    again = everything("memory:")
    assert (await again.import_records(Country, path)).created == 2
    assert await content(again, Country) == before
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    path.write_text(bomb)
    assert (await app.import_records(Country, path)).failures[0].errors[0].code == "yaml"


class Blob(Model, collection="blobs"):
    id: int = field(pk=True)
    data: bytes
    more: bytes = b"default"
    none: bytes | None = None


@pytest.mark.parametrize("rows", [1, 3])
async def test_no_bytes_come_back_from_csv(tmp_path: Path, rows: int) -> None:
    app = Holdall("blobs")
    app.add_store("main", "memory:")
    app.add(Blob, store="main")
    path = tmp_path / "blobs.csv"
    async with app.session() as session:
        session.add_all([Blob(id=number, data=b"", more=b"") for number in range(rows)])
    await app.export_records(Blob, path)
    async with app.session() as session:
        await session.delete(Blob.where())
    report = await app.import_records(Blob, path)
    assert (report.created, report.failed) == (rows, 0), report
    async with app.session() as session:
        assert [(blob.data, blob.more, blob.none) for blob in await session.query(Blob.where())] == [
            (b"", b"", None)
        ] * rows
