"""Finding out whether a commit of one store, whose answer was lost, was written.

Such a commit has no journal, and need not have one: its store takes all changes or none, so one record that shows
whether its change took place tells it of all. First the changes are tried again in a transaction that is rolled back,
which waits for a commit that the server may still be busy with; then the records are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from holdall.errors import Conflict, LockConflict, Reserved, StateError
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.calls.undo_calls import current_row, holds
from holdall.store import Change, Store, Transactional, Verb

__all__ = ["LostAnswer"]


class _OnlyTried(Exception):
    pass


class LostAnswer:
    """A commit of one store. ``was_applied`` is known once ``resolve`` has returned."""

    commit = None

    def __init__(self, store: Store, changes: Sequence[Change], bindings: Bindings) -> None:
        self.was_applied: bool | None = None
        self._store = store
        self._changes = changes
        self._bindings = bindings

    async def resolve(self) -> None:
        """Find out whether the commit was applied.

        Raises StateError where the records do not tell: every one is new and has its key from the store, or was changed
        by somebody since; StoreUnavailable or StoreTimeout where the store does not answer.
        """
        telling = [change for change in self._changes if change.key is not None and not change.is_check]
        if not telling:
            raise StateError("the records do not show whether they were written; load them, or use keys of your own")
        if any(map(_is_guarded, telling)) and await self._would_be_applied():
            self.was_applied = False
            return
        found = [await self._trace(change) for change in telling]
        if False in found:
            self.was_applied = False
        elif True in found:
            self.was_applied = True
        else:
            raise StateError("every record of this commit was changed since; load them to see how they are")

    async def retry(self) -> NoReturn:
        """Raise StateError: a commit of one store is all or nothing, and there is no part to try again."""
        raise StateError("a commit of one store leaves no part over; commit again once resolve() says that it failed")

    compensate = accept = retry

    async def _would_be_applied(self) -> bool:
        """Whether the store would take the changes now: then it has not."""
        if not isinstance(self._store, Transactional):
            return False
        try:
            async with self._store.transaction() as transaction:
                await transaction.apply(self._changes)
                raise _OnlyTried
        except _OnlyTried:
            return True
        except (LockConflict, Reserved):
            raise
        except Conflict:
            return False

    async def _trace(self, change: Change) -> bool | None:
        """Whether a record shows that its change took place; None where it cannot tell."""
        binding = self._bindings.of_name(change.collection)
        row = await current_row(binding, change.key)
        if change.verb is Verb.REMOVE or row is None:
            is_gone = row is None
            return is_gone if change.verb is Verb.REMOVE else None if change.verb is Verb.UPDATE else False
        if holds(binding, row, change.fields, change.values):
            return True
        return False if _is_as_before(binding, change, row) else None


def _is_guarded(change: Change) -> bool:
    """Whether the store refuses the change once it was applied."""
    return change.verb is not Verb.UPDATE or change.version is not None


def _is_as_before(binding: Binding, change: Change, row: tuple[object, ...]) -> bool:
    version = binding.schema.version
    return (
        change.verb is Verb.UPDATE and version is not None and row[binding.schema.positions[version]] == change.version
    )
