"""A statement on its way: awaited for all its rows, or gone through row by row."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import aclosing
from typing import Generic, TypeVar

from holdall.session.named_rows import SqlRows, made_of
from holdall.store import Answer

__all__ = ["SqlQuery"]

T = TypeVar("T")

_BATCH = 500  # rows in memory while a statement is gone through


class SqlQuery(Generic[T]):
    """A statement of SQL: ``await`` gives all its rows, ``async for`` one after the other.

    Nothing is sent before.

    >>> from dataclasses import dataclass
    >>> from holdall import Holdall, Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> @dataclass
    ... class Title:
    ...     title: str
    >>> async def example() -> None:
    ...     app = Holdall("library")
    ...     app.add_store("main", "sqlite://")
    ...     app.add(Book, store="main")
    ...     await app.create()
    ...     async with app.session() as session:
    ...         added = await session.sql("INSERT INTO book VALUES (:id, :title)", {"id": 1, "title": "Emma"})
    ...         (row,) = await session.sql("SELECT id, title FROM book WHERE id = :id", {"id": 1})
    ...         print(added.affected, row.title, row[0], row.to_dict())
    ...         print(await session.sql("SELECT title FROM book", into=Title))
    ...         print([number async for (number,) in session.sql("SELECT id FROM book")])
    ...         async with session.native("main") as connection:
    ...             print(connection.execute("SELECT count(*) FROM book").fetchall())
    ...     await app.close()
    >>> import asyncio
    >>> asyncio.run(example())
    1 Emma 1 {'id': 1, 'title': 'Emma'}
    [Title(title='Emma')]
    [1]
    [(1,)]
    """

    def __init__(
        self,
        into: type[T] | None,
        fetch: Callable[[], Awaitable[Answer]],
        stream: Callable[[int], AsyncGenerator[Answer]],
    ) -> None:
        self._into = into
        self._fetch = fetch
        self._stream = stream
        self._is_used = False

    def __await__(self) -> Generator[object, None, SqlRows[T]]:
        self._is_used = True
        return self._fetched().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        self._is_used = True
        async with aclosing(self._stream(_BATCH)) as answers:
            async for answer in answers:
                for row in made_of(answer, self._into):
                    yield row

    async def _fetched(self) -> SqlRows[T]:
        return made_of(await self._fetch(), self._into)

    def __del__(self) -> None:
        if not self._is_used:
            warnings.warn("session.sql(...) was neither awaited nor gone through", RuntimeWarning, stacklevel=2)
