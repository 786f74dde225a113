"""Lines of an import, stored together, or each by itself where something stands in the way of some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from holdall.errors import CommitAborted, CommitError
from holdall.query import Value

__all__ = ["Attempt", "Line", "store_lines"]

Line = tuple[int, Value]
"""The number of a line, and the members of a record, as JSON or decoded, or what is wrong with them."""


class Attempt(Protocol):
    """One session, to be ended once: with all lines of a batch, or with one. Example: :func:`store_lines`."""

    async def put(self, lines: Sequence[Line]) -> list[Exception | None]:
        """Make records of lines, and give for each what stands in its way, if anything does."""
        ...

    async def end(self) -> None:
        """Commit, or only rehearse that."""
        ...

    def accept(self) -> None:
        """Count the lines that were put, as they are stored now."""
        ...


async def store_lines(
    begin: Callable[[], Attempt],
    lines: Sequence[Line],
    refuse: Callable[[int, Exception], None],
    refusals: tuple[type[Exception], ...],
) -> None:
    """Store the lines of a batch in one commit, or each in its own where that is refused.

    ``refuse`` is called for each line that is not stored; errors that are no ``refusals`` end the import.

    >>> class Even:
    ...     async def put(self, lines):
    ...         return [None if type(members) is int else TypeError() for _, members in lines]
    ...     async def end(self): ...
    ...     def accept(self): print("stored")
    >>> def refuse(number, error): print(number, repr(error))
    >>> import asyncio
    >>> asyncio.run(store_lines(Even, [(1, 4), (2, "x")], refuse, (TypeError,)))
    2 TypeError()
    stored
    """
    attempt, good = begin(), list[Line]()
    for line, error in zip(lines, await attempt.put(lines), strict=True):
        if error is None:
            good.append(line)
        else:
            refuse(line[0], error)
    if not good:
        return
    try:
        await attempt.end()
    except refusals as error:
        _demand_unwritten(error)
        for line in good:
            await _store_one(begin(), line, refuse, refusals)
    else:
        attempt.accept()


async def _store_one(
    attempt: Attempt, line: Line, refuse: Callable[[int, Exception], None], refusals: tuple[type[Exception], ...]
) -> None:
    try:
        for error in await attempt.put([line]):
            if error is not None:
                raise error
        await attempt.end()
    except refusals as error:
        _demand_unwritten(error)
        refuse(line[0], error)
    else:
        attempt.accept()


def _demand_unwritten(error: Exception) -> None:
    """Raise the error of a commit of which nobody knows whether it was written: no line of it may be tried again."""
    if isinstance(error, CommitError) and not isinstance(error, CommitAborted):
        raise error
