"""Ways past the contract: statements in a store's own language, and its driver's own objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

import msgspec

from holdall.query import Row, Value

__all__ = ["Answer", "Native", "SpeaksSql"]


class Answer(msgspec.Struct, gc=False):
    """The answer to a statement: the names of its columns and its rows, as the driver gives them.

    Without rows there may be no names. ``affected`` is how many rows were written, None where the database does not
    tell.

    >>> Answer(("title",), [("Emma",)]).rows
    [('Emma',)]
    """

    columns: tuple[str, ...]
    rows: list[Row]
    affected: int | None = None


@runtime_checkable
class SpeaksSql(Protocol):
    """A store, or an open transaction, that takes statements of SQL. In its absence they are refused.

    A statement is text with named parameters (``:name``), or one of SQLAlchemy Core. No rule of a model and no
    reservation of a commit over several stores holds for it.

    >>> from holdall.store import open_store
    >>> import asyncio
    >>> asyncio.run(open_store("main", "sqlite://").sql("SELECT :number + 1 AS more", {"number": 1}, limit=10)).rows
    [(2,)]
    """

    async def sql(self, statement: object, parameters: Mapping[str, Value], *, limit: int) -> Answer:
        """The answer, once a statement that writes is committed. Raises LimitExceeded for more than ``limit`` rows,
        QueryError for parameters that do not fit.
        """
        ...

    def sql_stream(self, statement: object, parameters: Mapping[str, Value], *, batch: int) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``batch`` at a time."""
        ...


@runtime_checkable
class Native(Protocol):
    """A store that lends its driver's own connection, database or client. In its absence that is refused.

    >>> from holdall.store import open_store
    >>> async def example() -> str:
    ...     async with open_store("main", "sqlite://").native() as connection:
    ...         return type(connection).__name__
    >>> import asyncio
    >>> asyncio.run(example())
    'ApswConnection'
    """

    def native(self) -> AbstractAsyncContextManager[object]:
        """Lend it for a block; what is left open on it is rolled back when the block ends."""
        ...
