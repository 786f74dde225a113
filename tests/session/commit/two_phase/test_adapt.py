"""Operations that an earlier version of the program logged are carried out by this one, or refused with a reason."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from holdall import Holdall, Many, Model, Ref, field
from holdall.errors import StateError
from holdall.session.binding import Binding
from holdall.session.commit.two_phase.adapt import adapted
from holdall.session.journal.log_record import Operation
from holdall.store import Verb


class Author(Model):
    id: int = field(pk=True)


class Book(Model):
    id: int = field(pk=True)
    title: str
    price: Decimal | None = None
    day: dt.date | None = None
    share: float | None = None
    pages: int = 100
    is_new: bool = True
    author: Ref[Author | None]
    readers: Many[Author] = field(default=())
    version: int = field(version=True)


class Strict(Model):
    id: int = field(pk=True)
    title: str
    pages: int


class Stamped(Model):
    id: int = field(pk=True)
    made: dt.datetime = field(auto_now="create")


@pytest.fixture(scope="module")
def bindings() -> dict[str, Binding]:
    app = Holdall("shelf")
    app.add_store("main", "memory:")
    app.add(Author, Book, Strict, Stamped, store="main")
    app.bindings.configure()
    return {name: app.bindings.of_name(name) for name in ("book", "strict", "stamped")}


def _edit(name: str, value: object) -> Operation:
    return Operation(Verb.UPDATE, "book", 1, (name,), (value,), 3)


def test_new_fields_of_an_added_record_get_their_defaults(bindings: dict[str, Binding]) -> None:
    logged = Operation(Verb.ADD, "book", 1, ("id", "title", "shelf"), (1, "Emma", "A"))
    change = adapted(logged, bindings["book"])
    assert dict(zip(change.fields, change.values, strict=True)) == {
        "id": 1,
        "title": "Emma",
        "price": None,
        "day": None,
        "share": None,
        "pages": 100,
        "is_new": True,
        "author": None,
        "readers": (),
        "version": 1,
    }


@pytest.mark.parametrize("place", ["strict.title", "stamped.made"])
def test_a_new_field_without_a_default_is_refused(bindings: dict[str, Binding], place: str) -> None:
    collection = place.partition(".")[0]
    with pytest.raises(StateError, match=f"{place} is new since and has no default"):
        adapted(Operation(Verb.ADD, collection, 1, ("id",), (1,)), bindings[collection])


def test_fields_that_were_dropped_are_left_out_of_edits(bindings: dict[str, Binding]) -> None:
    change = adapted(Operation(Verb.UPDATE, "book", 1, ("shelf", "title"), ("A", "Emma"), 3), bindings["book"])
    assert (change.fields, change.values, change.version) == (("title",), ("Emma",), 3)


@pytest.mark.parametrize(
    "name, value",
    [
        ("title", "Emma"),
        ("price", Decimal(1)),
        ("price", None),
        ("share", 1),
        ("day", dt.date(2024, 5, 6)),
        ("pages", 7),
    ],
)
def test_what_is_the_same_stays_as_it_was_logged(bindings: dict[str, Binding], name: str, value: object) -> None:
    logged = _edit(name, value)
    assert adapted(logged, bindings["book"]) == logged.change
    removal = Operation(Verb.REMOVE, "book", 1, ("shelf",), (), 3, old=("A",))
    assert adapted(removal, bindings["book"]) == removal.change


@pytest.mark.parametrize(
    "name, value, kind",
    [
        ("title", 7, "int"),
        ("title", None, "NoneType"),
        ("pages", True, "bool"),
        ("share", False, "bool"),
        ("price", 1.5, "float"),
        ("day", dt.datetime(2024, 5, 6, tzinfo=dt.UTC), "datetime"),
        ("is_new", 1, "int"),
        ("readers", 1, "int"),
    ],
)
def test_a_value_of_another_kind_is_refused(bindings: dict[str, Binding], name: str, value: Any, kind: str) -> None:
    with pytest.raises(StateError, match=rf"it wrote {kind} to book\.{name}, which is of kind"):
        adapted(_edit(name, value), bindings["book"])
