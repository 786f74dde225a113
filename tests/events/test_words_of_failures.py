"""Functions that fail with words which no store keeps: their events are tried, given up and listed as all others."""

from __future__ import annotations

import asyncio

import pytest

from holdall import Event, Holdall
from tests.support.event_library import Book, changed_books

pytestmark = pytest.mark.anyio


class _Wordless(Exception):
    def __init__(self, failure: type[BaseException]) -> None:
        self._failure = failure

    def __str__(self) -> str:
        raise self._failure


@pytest.mark.parametrize("number", [1, 3], ids=["one event", "a bundle"])
@pytest.mark.parametrize(
    "error, told",
    [
        (ValueError("half \ud800, \0."), "ValueError: half \\ud800, ."),
        (_Wordless(RuntimeError), "_Wordless: (its text cannot be made: RuntimeError)"),
        (_Wordless(SystemExit), "_Wordless: (its text cannot be made: SystemExit)"),
    ],
    ids=["half a pair", "wordless", "a text that ends the program"],
)
async def test_an_event_is_given_up_with_words_that_its_store_keeps(
    app: Holdall, number: int, error: Exception, told: str
) -> None:
    heard = list[object]()

    @app.after(Book.changed, name="tell", attempts=2, backoff=0.001)
    async def tell(event: Event) -> None:
        heard.append(event.key)
        if event.key == books[0].id:
            raise error

    books = await changed_books(app, number)
    assert (await app.outbox.deliver()).failed == 1
    await asyncio.sleep(0.01)
    assert (await app.outbox.deliver()).dead == 1
    (letter,) = [entry async for entry in app.outbox.entries()]
    assert (letter.key, letter.is_dead, letter.attempts, letter.error) == (books[0].id, True, 2, told)
    assert sorted(map(str, heard)) == sorted([str(books[0].id), *(str(book.id) for book in books)])
