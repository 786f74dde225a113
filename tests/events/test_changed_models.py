"""Events that were written by a program whose model knew more: told, or given up with the names of fields."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import pytest

from holdall import Codec, Event, Holdall, Model, field
from holdall.errors import CorruptRecord

pytestmark = pytest.mark.anyio


class Wide(enum.Enum):
    DRAFT = "draft"
    LOST = "lost"


class Narrow(enum.Enum):
    DRAFT = "draft"


class Isbn:
    def __init__(self, text: str) -> None:
        if not text.isdecimal():
            raise ValueError(f"{text} is no ISBN")
        self.text = text


class AnyIsbn(Isbn):
    def __init__(self, text: str) -> None:
        self.text = text


def library(folder: Path, kind: Any, number: Any) -> tuple[Holdall, Any]:
    codec = Codec(number, str, encode=lambda each: each.text, decode=number)

    class Book(Model, collection="book"):
        id: int = field(pk=True)
        notes: int = 0
        status: kind = kind.DRAFT
        isbn: number = field(default=number("1"), codec=codec)

    app = Holdall("library")
    app.add_store("main", f"sqlite:///{folder}/library.db")
    app.add(Book, store="main")
    return app, Book


def told_by(app: Holdall, book: Any) -> list[Event]:
    told = list[Event]()

    @app.after(book.created, book.changed, name="tell", attempts=1)
    async def tell(event: Event) -> None:
        told.append(event)

    return told


@pytest.mark.parametrize("number", [1, 3], ids=["one event", "several in a row"])
async def test_a_value_that_the_model_knows_no_more_is_named_by_its_field(tmp_path: Path, number: int) -> None:
    app, book = library(tmp_path, Wide, AnyIsbn)
    told_by(app, book)
    await app.create()
    async with app.session() as session:
        books = [session.add(book(id=each, isbn=AnyIsbn(f"secret {each}"))) for each in range(1, number + 1)]
        await session.commit()
        for each in books:
            each.status = Wide.LOST
        await session.commit()
        for each in books:
            each.notes = 7
    await app.close()

    app, book = library(tmp_path, Narrow, Isbn)
    told = told_by(app, book)
    await app.outbox.deliver()
    assert [event.new for event in told] == [{"notes": 7}] * number
    letters = [entry async for entry in app.outbox.entries()]
    begin = "CorruptRecord: store 'main': an event of book cannot be read:"
    assert [letter.error for letter in letters] == [
        *[f"{begin} isbn is told as something that the model does not know"] * number,
        *[f"{begin} status is told as something that the model does not know"] * number,
    ]
    await app.close()


async def test_it_is_an_error_that_programs_can_tell(tmp_path: Path) -> None:
    from holdall.events.event import python_values

    app, book = library(tmp_path, Narrow, Isbn)
    app.bindings.configure()
    with pytest.raises(CorruptRecord) as told:
        python_values(app.bindings.of_model(book), {"status": "lost", "isbn": "x", "notes": 1})
    assert told.value.fields == ("status", "isbn")
    await app.close()
