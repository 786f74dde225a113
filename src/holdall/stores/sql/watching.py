"""Statements shown to an observer: those that read, and the steps of works, as each database's driver sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from time import perf_counter
from typing import TypeAlias, TypeVar

from holdall.query import Value
from holdall.store import Held, Outcome, Rows, Seam
from holdall.stores.sql.steps import Step, Steps, Work

__all__ = ["Ask", "WatchedWork", "carried_out", "shown_block", "shown_whole", "watched", "watched_now"]

T = TypeVar("T")

Ask: TypeAlias = Callable[[str, Value], Awaitable[Rows]]
"""Asks a database for the rows of a statement."""
AskNow: TypeAlias = Callable[[str, Value], Rows | None]
"""The same for rows that can be had at once, else None."""


def watched(ask: Ask, seam: Seam) -> Ask:
    """The same, with each statement shown."""

    async def asked(sql: str, parameters: Value) -> Rows:
        with seam.watching(sql, parameters) as watching:
            rows = await ask(sql, parameters)
            watching.rows = len(rows)
        return rows

    return asked


def watched_now(now: AskNow, seam: Seam) -> AskNow:
    """The same, with each statement shown that is answered at once, or refused."""

    def asked(sql: str, parameters: Value) -> Rows | None:
        begun = perf_counter()
        try:
            rows = now(sql, parameters)
        except BaseException as error:
            seam.show(sql, perf_counter() - begun, None, parameters, type(error).__name__)
            raise
        if rows is not None:
            seam.show(sql, perf_counter() - begun, len(rows), parameters)
        return rows

    return asked


class WatchedWork(Work):
    """A work whose steps are shown as they are done, perhaps by another thread, in the context of its maker."""

    __slots__ = ("_context", "_pending", "_seam", "_text", "_work")

    def __init__(self, work: Work, seam: Seam, text: Callable[[Step], str]) -> None:
        super().__init__(work.plan, work.changes, work.schemas)
        self._work = work
        self._seam = seam
        self._text = text
        self._context = copy_context()
        self._pending: tuple[Step, float] | None = None

    def __call__(self) -> Steps:
        """The steps, from the first on."""
        return self._shown(super().__call__())

    def demand_unreserved(self, store: str, held: Collection[Held], outcomes: Sequence[Outcome] | None = None) -> None:
        """As the work that is watched."""
        self._work.demand_unreserved(store, held, outcomes)

    def failed(self, error: BaseException) -> None:
        """Show the step that was under way when the work ended by this error, if there was one."""
        if self._pending is not None:
            self._show(type(error).__name__)

    def _shown(self, steps: Steps) -> Steps:
        try:
            step = next(steps)
            while True:
                self._pending = step, perf_counter()
                reply = yield step
                self._show(None)
                step = steps.send(reply)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def show(self, sql: str, seconds: float, rows: int, values: Value, error: str | None) -> None:
        """Show a statement that was all steps together."""
        self._pending = None
        self._context.run(self._seam.show, sql, seconds, rows, [values], error)

    def _show(self, error: str | None) -> None:
        assert self._pending is not None
        step, begun = self._pending
        self._pending = None
        seconds = perf_counter() - begun
        self._context.run(self._seam.show, self._text(step), seconds, len(step.rows), step.rows, error)


@contextmanager
def shown_whole(work: Work, sql: str, values: Value, rows: int) -> Iterator[None]:
    """Around a statement that is all steps of a work: shown, where the work is watched; ``rows`` is their number."""
    if not isinstance(work, WatchedWork):
        yield
        return
    begun = perf_counter()
    try:
        yield
    except BaseException as error:
        work.show(sql, perf_counter() - begun, rows, values, type(error).__name__)
        raise
    work.show(sql, perf_counter() - begun, rows, values, None)


async def carried_out(carry: Callable[[Work], Awaitable[T]], work: Work) -> T:
    """The result of a work that is watched; a step that was refused is shown as well."""
    try:
        return await carry(work)
    except Exception as error:
        if isinstance(work, WatchedWork):
            work.failed(error)
        raise


@contextmanager
def shown_block(seam: Seam) -> Iterator[None]:
    """Around a transaction: its end is shown, with the seconds from its beginning."""
    begun = perf_counter()
    try:
        yield
    except BaseException as error:
        seam.show("ROLLBACK", perf_counter() - begun, error=type(error).__name__)
        raise
    seam.show("COMMIT", perf_counter() - begun)
