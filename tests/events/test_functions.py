"""Functions that are declared for events: those that could never do what they are for are refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from holdall import Holdall
from holdall.errors import DeclarationError
from tests.support.event_library import Book

pytestmark = pytest.mark.anyio


def yielding(event: Any) -> Iterator[None]:
    yield


async def yielding_on_loop(event: Any) -> AsyncIterator[None]:
    yield


def blind() -> None:
    """A function that takes no event."""


async def greedy(event: Any, more: object) -> None:
    """A function that takes more than an event."""


async def by_name(*, event: Any) -> None:
    """A function that takes an event by its name alone."""


class Teller:
    told: list[object]

    def __init__(self) -> None:
        self.told = []

    async def tell(self, event: Any) -> None:
        self.told.append(event.key)

    def __call__(self, event: Any) -> None:
        self.told.append(event.key)


class Yielding:
    def __call__(self, event: Any) -> Iterator[None]:
        yield


def _declare(app: Holdall, verb: str, function: Callable[..., Any]) -> None:
    (app.on(Book.created) if verb == "on" else app.after(Book.created, name="tell", attempts=1))(function)


@pytest.mark.parametrize("verb", ["on", "after"])
@pytest.mark.parametrize(
    "function, name",
    [
        (yielding, "yielding"),
        (yielding_on_loop, "yielding_on_loop"),
        (partial(yielding), "yielding"),
        (Yielding(), "Yielding"),
    ],
)
async def test_generators_are_refused(local: Holdall, verb: str, function: Callable[..., Any], name: str) -> None:
    with pytest.raises(DeclarationError, match=rf"{name} has a yield"):
        _declare(local, verb, function)


@pytest.mark.parametrize("verb", ["on", "after"])
@pytest.mark.parametrize(
    "function, name",
    [
        (blind, "blind"),
        (greedy, "greedy"),
        (by_name, "by_name"),
        (Teller.tell, "Teller.tell"),
        (partial(blind), "blind"),
    ],
)
async def test_functions_that_take_no_event_alone_are_refused(
    local: Holdall, verb: str, function: Callable[..., Any], name: str
) -> None:
    with pytest.raises(DeclarationError, match=rf"{name} is called with the event alone"):
        _declare(local, verb, function)


@pytest.mark.parametrize("kind", ["object", "method", "partial", "partial of an object", "append"])
async def test_other_callables_are_told(local: Holdall, kind: str) -> None:
    teller = Teller()
    functions: dict[str, Callable[..., Any]] = {
        "object": teller,
        "method": teller.tell,
        "partial": partial(Teller.tell, teller),
        "partial of an object": partial(teller),
        "append": teller.told.append,
    }
    _declare(local, "after", functions[kind])
    async with local.session() as session:
        session.add(Book(title="Emma"))
    assert (await local.outbox.deliver()).delivered == 1
    assert len(teller.told) == 1


async def test_what_an_async_function_gives_to_be_awaited_is_awaited(local: Holdall) -> None:
    teller = Teller()

    async def tell(event: Any) -> object:
        await asyncio.sleep(0)
        return teller.tell(event)

    _declare(local, "after", tell)
    async with local.session() as session:
        session.add(Book(title="Emma"))
    assert (await local.outbox.deliver()).delivered == 1
    assert len(teller.told) == 1


@pytest.mark.parametrize("generator", [yielding, yielding_on_loop])
async def test_a_generator_that_comes_up_late_is_a_try_in_vain(local: Holdall, generator: Callable[..., Any]) -> None:
    _declare(local, "after", lambda event: generator(event))
    async with local.session() as session:
        session.add(Book(title="Emma"))
    assert (await local.outbox.deliver()).dead == 1
    (letter,) = [entry async for entry in local.outbox.entries()]
    assert letter.error == "TypeError: tell gave a generator, which nobody runs"
