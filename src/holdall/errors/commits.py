"""Errors of commits, and how the programs that catch them go on."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors.records import StateError
from holdall.errors.reports import CommitReport, TaskReport, UnfinishedReport, Unresolved
from holdall.errors.root import HoldallError

__all__ = ["CommitAborted", "CommitError", "CommitPartial", "CommitPending", "CommitUnknown"]


class CommitError(HoldallError):
    """A commit did not end as asked; ``result`` lists every task with its state, duration and error.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def add() -> str:
    ...     try:
    ...         async with app.session() as session:
    ...             session.add(Book(id=1))
    ...     except CommitAborted as error:
    ...         return f"nothing was written: {[str(task.state) for task in error.tasks]}"
    ...     except CommitPending:
    ...         return "recovery finishes the commit"
    ...     except CommitUnknown as error:
    ...         return f"it turned out to be applied: {await error.resolve()}"
    ...     except CommitPartial as error:
    ...         return f"undone again: {await error.compensate()}"
    ...     return "written"
    >>> import asyncio
    >>> asyncio.run(add()), asyncio.run(add())
    ('written', "nothing was written: ['failed']")
    """

    def __init__(self, message: str, result: CommitReport) -> None:
        self.result = result
        super().__init__(message)

    @property
    def tasks(self) -> Sequence[TaskReport]:
        """The commit's tasks, in the order they ended."""
        return self.result.tasks


class CommitAborted(CommitError):
    """Nothing lasting happened anywhere; the records are as they were and the session is usable.

    Example: :class:`CommitError`.
    """

    @property
    def is_retryable(self) -> bool:
        """Whether that for which the commit was refused is."""
        cause = self.__cause__
        return isinstance(cause, HoldallError) and cause.is_retryable


class CommitPending(CommitError):
    """The commit is decided and recovery will finish it; do not repeat it. Example: :class:`CommitError`."""

    async def resolve(self) -> UnfinishedReport | None:
        """Find out how it ended, and finish it now; None once it is over. Raises StoreUnavailable where it cannot."""
        return await _unfinished_of(self).resolve()


class CommitPartial(CommitError):
    """Some changes are applied and some are not; ``result`` says which. Retry the rest, compensate, or accept it.

    Example: :class:`CommitError`.
    """

    async def resolve(self) -> UnfinishedReport | None:
        """Find out how it ended, and finish it now; None once it is over. Raises StoreUnavailable where it cannot."""
        return await _unfinished_of(self).resolve()

    async def retry(self) -> UnfinishedReport | None:
        """Try again what was refused or could not be undone; None once it is over."""
        return await _unfinished_of(self).retry()

    async def compensate(self) -> UnfinishedReport | None:
        """Undo everything it wrote; None once that is done. Raises StateError where old values are not known."""
        return await _unfinished_of(self).compensate()

    async def accept(self) -> None:
        """Leave everything as it is, and take it off the list of unfinished commits."""
        await _unfinished_of(self).accept()


class CommitUnknown(CommitError):
    """The answer to COMMIT was lost; ``resolve`` finds out, never send it again before.

    ``was_applied`` says how it ended, once ``resolve`` has returned.

    Example: :class:`CommitError`.
    """

    was_applied: bool | None = None

    async def resolve(self) -> UnfinishedReport | None:
        """Find out how it ended, and finish it now; None once it is over. Raises StoreUnavailable where it cannot.

        Raises StateError where a commit of one store left no record behind that shows how it ended.
        """
        unfinished = _unfinished_of(self)
        left = await unfinished.resolve()
        self.was_applied = unfinished.was_applied
        return left


def _unfinished_of(error: CommitError) -> Unresolved:
    if error.result.unresolved is None:
        raise StateError("this commit wrote one store and no journal; roll back, and load the records again")
    return error.result.unresolved
