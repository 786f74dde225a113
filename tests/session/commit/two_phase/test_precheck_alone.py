"""The look at a store before the decision, change by change: what it would refuse as things stand, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import AlreadyExists, HoldallError, StaleVersion, UniqueViolation, Unsupported
from holdall.session.commit.two_phase.precheck import precheck
from holdall.store import Change, Expected, KeyOf, Verb
from holdall.testing.wrapping import wrap_store

pytestmark = pytest.mark.anyio


class Label(Model):
    id: int = field(pk=True)
    text: str | None = field(default=None, unique=True)
    version: int = field(version=True)


class Seat(Model, unique=[("hall", "number")]):
    row: int = field(pk=True)
    place: int = field(pk=True)
    hall: str
    number: int


@pytest.fixture
async def app() -> AsyncIterator[Holdall]:
    app = Holdall("seats")
    app.add_store("main", "memory:")
    app.add(Label, Seat, store="main")
    async with app.session() as session:
        session.add_all([Label(id=1, text="a"), Label(id=2, text="b")])
        session.add_all([Seat(row=1, place=1, hall="A", number=1), Seat(row=1, place=2, hall="A", number=2)])
    yield app
    await app.close()


def _label(verb: Verb, key: object, version: int | None = None, **values: object) -> Change:
    return Change(verb, "label", key, tuple(values), tuple(values.values()), version)


def _seat(verb: Verb, key: object, **values: object) -> Change:
    return Change(verb, "seat", key, tuple(values), tuple(values.values()))


@pytest.mark.parametrize(
    "changes",
    [
        [_label(Verb.ADD, 3, id=3, text="c"), _label(Verb.UPDATE, 3, 1, text="d"), _label(Verb.REMOVE, 3, 2)],
        [_label(Verb.ADD, None, text="c"), _label(Verb.ADD, KeyOf(0), text=None)],
        [_label(Verb.UPDATE, 1, 1, text="b"), _label(Verb.UPDATE, 2, 1, text="a")],
        [_label(Verb.REMOVE, 1, 1), _label(Verb.ADD, 3, text="a")],
        [_label(Verb.UPDATE, 1, text="c")],
        [_seat(Verb.ADD, (1, KeyOf(0)), hall="B", number=1)],
        [_seat(Verb.UPDATE, (1, 1), hall="B")],
        [_seat(Verb.UPDATE, (1, 1), hall="A", number=2), _seat(Verb.UPDATE, (1, 2), hall="A", number=1)],
        [_seat(Verb.ADD, (2, 1), hall="A", number=None)],
        [_seat(Verb.REMOVE, (1, 1))],
    ],
)
async def test_what_would_be_taken_is_let_pass(app: Holdall, changes: list[Change]) -> None:
    await precheck(app.bindings, changes)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ([_label(Verb.ADD, 1, id=1)], AlreadyExists),
        ([_seat(Verb.ADD, (1, 1), row=1, place=1)], AlreadyExists),
        ([_label(Verb.UPDATE, 1, 7, text="c")], StaleVersion),
        ([_label(Verb.UPDATE, 9, text="c")], StaleVersion),
        ([_label(Verb.REMOVE, 9, 1)], StaleVersion),
        ([_seat(Verb.REMOVE, (1, 9))], StaleVersion),
        ([_label(Verb.ADD, 3, text="a")], UniqueViolation),
        ([_label(Verb.UPDATE, 1, 1, text="b")], UniqueViolation),
        ([_seat(Verb.ADD, (2, 1), hall="B", number=1), _seat(Verb.ADD, (2, 2), hall="A", number=2)], UniqueViolation),
    ],
)
async def test_what_would_be_refused_is(app: Holdall, changes: list[Change], reason: type[HoldallError]) -> None:
    with pytest.raises(reason) as refused:
        await precheck(app.bindings, changes)
    assert type(refused.value) is reason


@pytest.mark.parametrize("value, is_met", [("a", True), ("b", False)])
async def test_values_that_are_expected_are_compared(app: Holdall, value: str, is_met: bool) -> None:
    change = Change(Verb.UPDATE, "label", 1, ("text",), ("c",), 1, None, Expected(("text",), (value,)))
    if is_met:
        await precheck(app.bindings, [change])
    else:
        with pytest.raises(StaleVersion):
            await precheck(app.bindings, [change])


async def test_a_store_that_cannot_be_asked_for_taken_values_says_so_itself_later(app: Holdall) -> None:
    class Deaf:
        def __init__(self, store: Any) -> None:
            self.store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

        async def fetch(self, query: Any) -> Any:
            if "text" in str(query.condition):
                raise Unsupported("main", "conditions on text", "ask by key")
            return await self.store.fetch(query)

    wrap_store(app, "main", Deaf)
    await precheck(app.bindings, [_label(Verb.ADD, 3, text="a")])
    with pytest.raises(AlreadyExists):
        await precheck(app.bindings, [_label(Verb.ADD, 1, text="a")])
