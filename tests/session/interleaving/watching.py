"""The invariants of a commit over several stores, looked at after every atomic step and once more when all is over."""

from __future__ import annotations

from collections import Counter
from typing import Any

from holdall.errors import HoldallError
from holdall.session.journal.row import JournalState, read_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import Change, Verb
from tests.session.interleaving.moves import Move, moves_of, row_after
from tests.session.interleaving.stepped_stores import SteppedStore
from tests.session.interleaving.stepping import Op, Step
from tests.session.interleaving.virtual_loop import Actor

__all__ = ["Violation", "Watch"]


class Violation(AssertionError):
    """An invariant does not hold."""


class Watch:
    """What happened in the stores so far, by commit.

    ``may_take_back`` where a part can be refused after the decision: then a decided commit may be undone, once.
    """

    def __init__(self, *, may_take_back: bool) -> None:
        self.may_take_back = may_take_back
        self.owners: dict[str, Actor] = {}  # by commit
        self.decided: set[str] = set()
        self.buried: dict[str, Actor] = {}  # by commit: who did
        self.buried_alive: list[str] = []  # while their owners worked on them
        self.taken_back: set[str] = set()
        self.listed: set[str] = set()
        self.parts: dict[str, set[str]] = {}  # of decided commits: their stores
        self.applied: Counter[tuple[str, str]] = Counter()  # by commit and store
        self.alone: Counter[Actor] = Counter()
        self.moves: Counter[Move] = Counter()
        self._before: dict[Any, Any] = {}

    # --- as it happens ----------------------------------------------------------------------------------------------

    def before(self, step: Step) -> None:
        """Remember the journal rows that the step is about to change."""
        if step.op in (Op.APPLY, Op.COMMIT):
            keys = [change.key for change in step.changes if change.collection == JOURNAL.name]
            self._before = {key: step.store.row(JOURNAL.name, key) for key in keys}

    def after(self, step: Step, result: Any, error: HoldallError | None) -> None:
        """Look at what has changed."""
        if error is None and step.op is Op.COMMIT_PREPARED and result:
            self._apply(step.subject, step.store)
        elif error is None and step.op in (Op.APPLY, Op.COMMIT):
            self._written(step)
        self.moves.update(moves_of(step, self._before, result, error))

    def _written(self, step: Step) -> None:
        commits = set()
        for change in step.changes:
            if change.collection == JOURNAL.name:
                self._row(step, change)
                if change.verb is not Verb.REMOVE and self._decides(change):
                    commits.add(change.key)
            elif change.collection == MARKER.name and change.verb is Verb.ADD:
                commits.add(change.key.partition(":")[0])
        for commit in commits:
            if any(change.collection not in (JOURNAL.name, MARKER.name) for change in step.changes):
                self._apply(commit, step.store)
        if not commits and any(change.collection not in (JOURNAL.name, MARKER.name) for change in step.changes):
            self.alone[step.actor] += 1

    def _decides(self, change: Change) -> bool:
        before = self._before.get(change.key)
        is_new = before is None or read_row(before).state is not JournalState.DECIDED
        return is_new and row_after(change).state is JournalState.DECIDED

    def _row(self, step: Step, change: Change) -> None:
        commit = str(change.key)
        before = self._before.get(change.key)
        old = read_row(before) if before is not None else None
        if change.verb is Verb.REMOVE:
            self._removed(commit, old.state if old is not None else None)
            return
        new = row_after(change)
        if old is not None and new.version != old.version and new.version != old.version + 1:
            raise Violation(f"who lost the claim on {commit} wrote: {step}")
        if old is not None and new.version == old.version and (new.owner, new.state) != (old.owner, old.state):
            raise Violation(f"who lost the claim on {commit} wrote: {step}")
        match new.state:
            case JournalState.DECIDED if commit not in self.decided:
                if commit in self.buried:
                    raise Violation(f"{commit} has a tombstone and is decided: {step}")
                self.decided.add(commit)
                self.parts[commit] = {part.store for part in new.record.parts}
            case JournalState.ABORTED:
                self._aborted(step, commit, is_new=old is None)
            case JournalState.LISTED:
                self._demand_weak(f"{commit} is listed: {step}")
                self.listed.add(commit)

    def _aborted(self, step: Step, commit: str, *, is_new: bool) -> None:
        """A tombstone comes into the place of a decided row only to take everything back.

        After the row is gone it may come too, from a helper who was slow: nothing is held by then, so it does nothing.
        """
        if is_new and commit in self.decided:
            if any(not self.applied[commit, store] for store in self.parts[commit]):
                raise Violation(f"{commit} is decided, not written everywhere, and gets a tombstone: {step}")
        elif commit in self.decided:
            self._demand_weak(f"{commit} is decided and gets a tombstone: {step}")
            if commit in self.taken_back:
                raise Violation(f"{commit} is taken back twice: {step}")
            self.taken_back.add(commit)
        else:
            self.buried[commit] = step.actor
            owner = self.owners[commit]
            if owner is not step.actor and not owner.is_dead and commit in owner.under_way:
                self.buried_alive.append(commit)

    def _demand_weak(self, message: str) -> None:
        if not self.may_take_back:
            raise Violation(message)

    def _removed(self, commit: str, state: JournalState | None) -> None:
        if state is JournalState.DECIDED:
            for store in self.parts[commit]:
                if not self.applied[commit, store]:
                    raise Violation(f"the row of {commit} goes before its part in {store} is applied")

    def _apply(self, commit: str, store: SteppedStore) -> None:
        self.applied[commit, store.name] += 1
        if commit not in self.decided:
            raise Violation(f"a part of {commit} is applied in {store.name}, and it is not decided")
        if self.applied[commit, store.name] > 1:
            raise Violation(f"the part of {commit} in {store.name} is applied twice")

    # --- when all is over -------------------------------------------------------------------------------------------

    def demand_whole(self) -> None:
        """All parts of decided commits are applied; those of none of the others."""
        for commit in self.decided - self.listed - self.taken_back:
            missing = [store for store in self.parts[commit] if not self.applied[commit, store]]
            if missing:
                raise Violation(f"{commit} is decided, and half-written: {', '.join(missing)} is missing")
        for commit, store in self.applied:
            if commit not in self.decided:
                raise Violation(f"{commit} is not decided, and wrote {store}")

    def demand_told(self, actor: Actor, told: str) -> None:
        """What the actor was told is what happened; ``told`` is the end of its commit."""
        commits = [commit for commit, owner in self.owners.items() if owner is actor and not commit.startswith("undo")]
        decided = [commit for commit in commits if commit in self.decided]
        lasting = [commit for commit in decided if commit not in self.taken_back]
        if told == "done" and commits and not lasting:
            raise Violation(f"{actor} was told 'done', and its commit is not decided")
        if told == "pending" and not decided:
            raise Violation(f"{actor} was told 'pending', and its commit is not decided")
        if told == "aborted" and lasting:
            raise Violation(f"{actor} was told that nothing was written, and its commit is decided")
