"""Observers: each statement that a store sends is shown to one, where there is one."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import msgspec

__all__ = ["Observable", "Observer", "Seam", "Sent", "Watching"]


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A statement that a store has sent, or what stands for one where the store has no language.

    ``family`` names the logger, as in ``holdall.sql``, ``system`` the kind of server. The ``statement`` holds no
    values; ``values`` are those that went with it. ``rows`` is how many came back or were written, None where the store
    cannot tell. ``error`` is the name of the error with which the statement ended.

    >>> Sent("main", "sql", "sqlite", "SELECT 1", 0.001, 1).seconds
    0.001
    """

    store: str
    family: str
    system: str
    statement: str
    seconds: float
    rows: int | None = None
    values: object = None
    error: str | None = None


class Observer(Protocol):
    """An observer of what stores send. Example: :class:`Observable`."""

    def sent(self, sent: Sent) -> None:
        """Take note of a statement that has ended, well or not; called in the context of the caller who waits for it,
        perhaps in another thread. Raises nothing.
        """
        ...


@runtime_checkable
class Observable(Protocol):
    """A store that shows an observer each statement it sends. In its absence its statements are not logged.

    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> from holdall.store import open_store
    >>> store = open_store("main", "sqlite://")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT),), key=("id",))])
    >>> class Printing:
    ...     def sent(self, sent):
    ...         print(sent.store, " ".join(sent.statement.split()), sent.rows)
    >>> async def example() -> None:
    ...     await store.create()
    ...     store.observe(Printing())
    ...     await store.fetch(Query("book"))
    ...     store.observe(None)
    >>> import asyncio
    >>> print(store.family)
    sql
    >>> asyncio.run(example())
    main SELECT t1."id" FROM "book" AS t1 0
    """

    @property
    def family(self) -> str:
        """The family of stores, which names the logger of its statements: ``sql`` for ``holdall.sql``."""
        ...

    def observe(self, observer: Observer | None) -> None:
        """Show this observer what is sent from now on, in place of the one before; None for nobody."""
        ...


class Seam:
    """The place in a store where statements pass: ``observer`` is None while nobody listens, and that is all that a
    statement then asks.

    >>> seam = Seam("main", "redis", "redis")
    >>> seam.observer is None
    True
    """

    __slots__ = ("family", "observer", "store", "system")

    def __init__(self, store: str, family: str, system: str) -> None:
        self.store = store
        self.family = family
        self.system = system
        self.observer: Observer | None = None

    def watching(self, statement: str, values: object = None) -> Watching:
        """A block around the sending of a statement, which is shown when the block ends."""
        return Watching(self, statement, values)

    def show(
        self, statement: str, seconds: float, rows: int | None = None, values: object = None, error: str | None = None
    ) -> None:
        """Show a statement that has ended, where somebody listens."""
        if self.observer is not None:
            self.observer.sent(
                Sent(self.store, self.family, self.system, statement, seconds, rows, values, error),
            )


class Watching:
    """A block around the sending of a statement; ``rows`` is set within, and ``refusal`` where the answer was a no that
    nobody raises. Example: :class:`Seam`.
    """

    __slots__ = ("_begun", "_seam", "_statement", "_values", "refusal", "rows")

    def __init__(self, seam: Seam, statement: str, values: object) -> None:
        self._seam = seam
        self._statement = statement
        self._values = values
        self.rows: int | None = None
        self.refusal: str | None = None

    def __enter__(self) -> Self:
        self._begun = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._begun
        error_name = self.refusal if kind is None else kind.__name__
        self._seam.show(self._statement, seconds, self.rows, self._values, error_name)
