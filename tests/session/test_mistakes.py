"""Mistakes that newcomers make with a session, and what they are told."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, Session, field, state_of
from holdall.errors import HoldallError, StateError

pytestmark = pytest.mark.anyio


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = field(default="")
    version: int = field(version=True)
    before: Ref[Book | None] = field(default=None)


async def _write_version(session: Any) -> None:
    (await session.require(Book, 1)).version = 9
    await session.commit()


async def _remove_with_version(session: Any) -> None:
    book = await session.require(Book, 1)
    book.version = 9
    session.remove(book)


def _calling(verb: str, given: object) -> Callable[[Any], Any]:
    return lambda session: getattr(session, verb)(given)


_NO_RECORD: dict[str, tuple[object, str]] = {
    "class": (Book, "not a class: {}(Book(...))"),
    "text": ("x", "not str"),
    "None": (None, "not NoneType"),
}
_VERBS = ("add", "remove", "refresh", "expect", "attach", "register", "unregister", "register_model", "names_of")
_COUNTED = "Book.version is counted by commits and cannot be written; refresh() the record"

MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    f"{verb}({name})": (
        _calling(verb, given),
        f"{verb} takes a record, {told.format(verb)}",
    )
    for verb in _VERBS
    for name, (given, told) in _NO_RECORD.items()
} | {
    "add_all(record)": (
        lambda session: session.add_all(Book(id=2)),
        "add_all takes several records, not one Book: add() takes it",
    ),
    "add_all(class)": (lambda session: session.add_all(Book), "add_all takes several records, as in a list, not Book"),
    "add_all(None)": (lambda session: session.add_all(None), "add_all takes several records, as in a list, not None"),
    "add_all([class])": (lambda session: session.add_all([Book]), "add takes a record, not a class: add(Book(...))"),
    "load(None)": (lambda session: session.load(None, Book.before), "load takes a record, not NoneType"),
    "load(class)": (lambda session: session.load(Book, Book.before), "load takes a record, not a class"),
    "load([1])": (lambda session: session.load([1], Book.before), "load takes a record, not int"),
    "state_of(class)": (lambda session: state_of(Book), "state_of takes a record, not Book"),  # type: ignore[arg-type]
    "state_of(number)": (lambda session: state_of(1), "state_of takes a record, not int"),  # type: ignore[arg-type]
    "commit(strategy)": (
        lambda session: session.commit(strategy="continue"),
        "a strategy is Strategy.INTERRUPT_ON_ERROR or Strategy.CONTINUE_ON_ERROR, not 'continue'",
    ),
    "record.version = 9": (_write_version, _COUNTED),
    "record.version = 9, and remove": (_remove_with_version, _COUNTED),
}


@pytest.fixture
async def app() -> Holdall:
    made = Holdall("mistakes")
    made.add_store("m", "memory:")
    made.add(Book, store="m")
    async with made.session() as session:
        session.add(Book(id=1))
    return made


@pytest.mark.parametrize("mistake, told", MISTAKES.values(), ids=MISTAKES)
async def test_a_mistake_is_told_in_words(app: Holdall, mistake: Callable[[Any], Any], told: str) -> None:
    session = Session(app.bindings)

    async def make() -> None:
        found = mistake(session)
        if inspect.isawaitable(found):
            await found

    with pytest.raises(HoldallError) as caught:
        await make()
    assert told in str(caught.value)
    session.rollback()


async def test_a_session_takes_only_a_strategy_and_a_block_only_a_session(app: Holdall) -> None:
    async with app.session() as session:
        (await session.require(Book, 1)).title = "a"
    with pytest.raises(StateError, match="a strategy is"):
        Session(app.bindings, strategy="nonsense")  # type: ignore[arg-type]
    with pytest.raises(StateError, match="activated takes a Session, not int"), app.activated(1):  # type: ignore[arg-type]
        pass
