"""Recovery of unfinished commits by an operator, for code that is not async."""

from __future__ import annotations

from holdall.session import Recovered, Recovery, Unfinished, Wait

__all__ = ["SyncRecovery"]


class SyncRecovery:
    """The verbs of ``Recovery``, each of which waits for its result. Example: :class:`Recovery`."""

    def __init__(self, recovery: Recovery, call: Wait) -> None:
        self._recovery = recovery
        self._call = call

    def run(self) -> Recovered:
        """One round over everything that nobody holds any more."""
        return self._call(self._recovery.run)

    def sweep(self) -> int:
        """Remove markers that were left behind without a row; returns how many."""
        return self._call(self._recovery.sweep)

    def unfinished(self) -> list[Unfinished]:
        """Every commit that is not over, those that other processes have under way included."""
        return self._call(self._recovery.unfinished)

    def resolve(self, commit: str, *, force: bool = False) -> Unfinished | None:
        """Finish a commit now, whichever way it goes; None once it is over."""
        return self._call(lambda: self._recovery.resolve(commit, force=force))

    def retry(self, commit: str, *, force: bool = False) -> Unfinished | None:
        """Try again what was refused or could not be undone; None once the commit is over."""
        return self._call(lambda: self._recovery.retry(commit, force=force))

    def compensate(self, commit: str, *, force: bool = False) -> Unfinished | None:
        """Undo everything the commit wrote, in every store; None once that is done."""
        return self._call(lambda: self._recovery.compensate(commit, force=force))

    def accept(self, commit: str, *, force: bool = False) -> None:
        """Leave everything as it is and forget the commit."""
        self._call(lambda: self._recovery.accept(commit, force=force))
