"""Work done anew, in a session of its own each time, while its errors say that it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from holdall.errors import DeclarationError, HoldallError
from holdall.session import Session
from holdall.store import pause_before

__all__ = ["pauses_before", "repeated"]

R = TypeVar("R")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0  # seconds


async def repeated(
    opened: Callable[[], AbstractAsyncContextManager[Session]], work: Callable[[Session], Awaitable[R]], retries: int
) -> R:
    """Do the work in a session, and at most ``retries`` times more, each in another one that is then committed.

    Only what says that it may be repeated is (``error.is_retryable``), after a pause that grows and is drawn at random.
    Raises the error of the last try.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int = 0
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def count(session: Session) -> int:
    ...     book = await session.get(Book, 1) or session.add(Book(id=1))
    ...     book.pages += 1
    ...     return book.pages
    >>> import asyncio
    >>> asyncio.run(app.run(count)), asyncio.run(app.run(count, retries=10))
    (1, 2)
    """
    pauses = pauses_before(retries)
    while True:
        try:
            async with opened() as session:
                return await work(session)
        except HoldallError as error:
            if not error.is_retryable or (pause := next(pauses, None)) is None:
                raise
        await asyncio.sleep(pause)


def pauses_before(retries: int) -> Iterator[float]:
    """The seconds to wait before each further try. Raises DeclarationError for what is no number of tries.

    >>> len(list(pauses_before(3)))
    3
    """
    if type(retries) is not int or retries < 0:
        raise DeclarationError("retries is how many times the work is done anew: a whole number from 0 on")
    return (pause_before(retry, _FIRST_PAUSE, _LONGEST_PAUSE) for retry in range(retries))
