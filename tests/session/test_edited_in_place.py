"""Values edited in place to what their type does not allow: refused by field as an assignment is, and always undone."""

from __future__ import annotations

import collections
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdall import JSON, Holdall, Model, Session, State, field, state_of
from holdall.errors import ValidationError
from holdall.store import Change, Outcome
from tests.support.local_stores import LOCAL, local_url

pytestmark = pytest.mark.anyio


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = field(default="")
    meta: JSON = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def _deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(5_000):
        found = [found]
    return found


def _circle() -> list[Any]:
    found: list[Any] = []
    found += [found, found]
    return found


WRONG = {
    "object": object(),
    "complex": 1j,
    "set": {1},
    "deque": collections.deque([1]),
    "class": int,
    "generator": iter(()),
    "subclass of str": type("Text", (str,), {})("a"),
    "beyond 64 bits": 2**70,
    "surrogate": "\ud800",
    "null as key": {None: 1},
    "not finite": float("inf"),
    "too deep": _deep(),
    "circle": _circle(),
}


@pytest.fixture(params=LOCAL)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("place")
    made.add_store("m", local_url(request.param, tmp_path))
    made.add(Book, store="m")
    await made.create()
    async with made:
        async with made.session() as session:
            session.add_all([Book(id=1, meta={"a": 1}), Book(id=2)])
        yield made


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
async def test_a_commit_names_the_field_and_a_rollback_undoes_all(app: Holdall, value: Any) -> None:
    session = Session(app.bindings)
    book, other = await session.require(Book, 1), await session.require(Book, 2)
    other.title = "changed"
    assert isinstance(book.meta, dict)
    book.meta["x"] = value
    with pytest.raises(ValidationError, match=r"meta\.x"):
        session.plan()
    with pytest.raises(ValidationError, match=r"meta\.x"):
        await session.commit()
    session.rollback()
    assert (book.meta, state_of(book), other.title, state_of(other)) == ({"a": 1}, State.CLEAN, "", State.CLEAN)
    book.meta["x"] = value
    book.meta = {"b": 2}
    await session.commit()
    async with app.session() as session:
        assert (await session.require(Book, 1)).meta == {"b": 2}


async def test_the_error_of_the_block_is_the_one_that_is_seen(app: Holdall) -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - the block is what is tested
        async with app.session() as session:
            book = await session.require(Book, 1)
            assert isinstance(book.meta, dict)
            book.meta["x"] = object()
            raise KeyError


async def test_lists_and_objects_of_other_types_are_refused_by_field_too(app: Holdall) -> None:
    given: Any
    for given in (object(), 2**70, "\ud800", None):
        for name in ("tags", "counts"):
            session = Session(app.bindings)
            book = await session.require(Book, 1)
            if name == "tags":
                book.tags.append(given)
            else:
                book.counts["x"] = given
            with pytest.raises(ValidationError, match=name):
                await session.commit()
            session.rollback()
            assert (book.tags, book.counts, state_of(book)) == ([], {}, State.CLEAN)


async def test_a_value_that_was_assigned_and_then_spoilt_elsewhere_is_refused(app: Holdall) -> None:
    session = Session(app.bindings)
    book = await session.require(Book, 1)
    book.tags = ["a"]
    await session.commit()
    tags = book.tags
    tags.append(2**70)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="tags"):
        await session.commit()
    session.rollback()
    assert book.tags == ["a"]


async def test_what_is_spoilt_while_a_commit_is_under_way_is_for_the_next(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(app.bindings)
    book = await session.require(Book, 1)
    held: Any = book.meta
    held["b"] = 2
    store = app.stores["m"]
    apply = store.apply

    async def spoiling(changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = await apply(changes)
        held["x"] = object()
        return outcomes

    with monkeypatch.context() as patch:
        patch.setattr(store, "apply", spoiling)
        await session.commit()
    with pytest.raises(ValidationError, match=r"meta\.x"):
        await session.commit()
    session.rollback()
    assert book.meta == {"a": 1, "b": 2}
    async with app.session() as session:
        assert (await session.require(Book, 1)).meta == {"a": 1, "b": 2}
