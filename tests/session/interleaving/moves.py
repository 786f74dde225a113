"""The moves of the protocol by name, as the table of ``docs/decisions/commit-protocol.md`` has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from holdall.errors import Conflict, HoldallError, Reserved, StaleVersion, UniqueViolation
from holdall.session.journal.row import JournalRow, JournalState, read_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import Change, Verb
from tests.session.interleaving.stepping import Fate, Op, Step

__all__ = ["DOCUMENT", "Move", "UnknownMove", "fate_of", "moves_of", "moves_of_document", "row_after"]

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "decisions" / "commit-protocol.md"


class UnknownMove(Exception):
    """A store was asked for something that the protocol does not know."""


class Move(StrEnum):
    """Everything that can happen in one atomic step."""

    LOOK = "look"
    NAME_HOME = "name the home"
    RESERVE = "reserve"
    REFUSE = "refuse"
    MEET = "meet a reservation"
    OPEN = "open a transaction"
    WRITE = "write in the transaction"
    DECIDE = "decide"
    FIND_TOMBSTONE = "find a tombstone"
    APPLY = "apply a part"
    FIND_APPLIED = "find a part applied"
    RENEW = "renew a reservation"
    RENEW_ROW = "renew a row"
    LET_GO = "let go"
    ROLL_BACK = "roll back"
    BURY = "bury"
    FIND_ROW = "find a row"
    CLAIM = "claim"
    LOSE_CLAIM = "lose a claim"
    FORGET = "forget"
    SWEEP = "sweep a tombstone"
    ALONE = "write alone"
    MARK = "apply a part with its marker"
    FIND_MARKER = "find a marker"
    UNMARK = "remove markers"
    REFUSE_PART = "refuse a decided part"
    TAKE_BACK = "take back"
    LEAVE = "leave to helpers"
    LIST = "list"
    DIE = "die"
    DIE_BEFORE = "die with a request on its way"
    LOSE_ANSWER = "lose an answer"
    BE_LATE = "answer too late"
    BE_AWAY = "be away"
    BE_DOWN = "be away for long"
    BE_SLOW = "answer slowly"
    STAND_STILL = "stand still"
    WAIT = "wait"


_FATES = {
    Fate.DIE: Move.DIE,
    Fate.GHOST: Move.DIE_BEFORE,
    Fate.LOST: Move.LOSE_ANSWER,
    Fate.LATE: Move.BE_LATE,
    Fate.AWAY: Move.BE_AWAY,
    Fate.DOWN: Move.BE_DOWN,
    Fate.SLOW: Move.BE_SLOW,
}


def fate_of(fate: Fate) -> Move | None:
    """The move by which the world makes a step end so."""
    return _FATES.get(fate)


def moves_of_document(text: str) -> set[str]:
    """The names in the first column of the table under "Moves"."""
    section = text.partition("\n## Moves\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| \*\*([a-z ]+)\*\* \|", section, re.MULTILINE))


def row_after(change: Change) -> JournalRow:
    """The journal row that this change writes."""
    given = dict(zip(change.fields, change.values, strict=True))
    return read_row((change.key, *[given[name] for name in ("state", "owner", "expires", "body", "version")]))


def moves_of(step: Step, before: Mapping[Any, Any], result: Any, error: HoldallError | None) -> set[Move]:
    """The moves that one answered step was. ``before`` are the journal rows it touches, by key. Raises UnknownMove."""
    if error is not None:
        return {_refusal(step, error)}
    match step.op:
        case Op.FETCH | Op.PREPARED:
            return {Move.LOOK}
        case Op.BEGIN:
            return {Move.OPEN}
        case Op.WRITE:
            return {Move.WRITE}
        case Op.ROLL_BACK:
            return {Move.ROLL_BACK}
        case Op.PREPARE:
            return {Move.RESERVE}
        case Op.COMMIT_PREPARED:
            return {Move.APPLY if result else Move.FIND_APPLIED}
        case Op.ROLL_BACK_PREPARED:
            return {Move.LET_GO}
        case Op.RENEW_PREPARED:
            return {Move.RENEW}
    return _written(step.changes, before)


def _refusal(step: Step, error: HoldallError) -> Move:
    if isinstance(error, Reserved):
        return Move.MEET
    if isinstance(error, UniqueViolation | StaleVersion) and error.collection == JOURNAL.name:
        change = next(item for item in step.changes if item.collection == JOURNAL.name)
        if change.verb is not Verb.ADD:
            return Move.LOSE_CLAIM
        return Move.FIND_TOMBSTONE if row_after(change).state is JournalState.DECIDED else Move.FIND_ROW
    if isinstance(error, Conflict):
        markers = _of(step.changes, MARKER.name)
        if any(step.store.row(MARKER.name, marker.key) is not None for marker in markers):
            return Move.FIND_MARKER
        return Move.REFUSE_PART if markers or step.op is Op.COMMIT_PREPARED else Move.REFUSE
    raise UnknownMove(f"{step} was answered by {error!r}")


def _written(changes: Sequence[Change], before: Mapping[Any, Any]) -> set[Move]:
    found = {_hidden(change, before) for change in _of(changes, JOURNAL.name)}
    markers = {Move.UNMARK if change.verb is Verb.REMOVE else Move.MARK for change in _of(changes, MARKER.name)}
    return found | markers or {Move.ALONE}


def _of(changes: Iterable[Change], collection: str) -> list[Change]:
    return [change for change in changes if change.collection == collection]


def _hidden(change: Change, before: Mapping[Any, Any]) -> Move:
    old = read_row(before[change.key]) if before.get(change.key) is not None else None
    if change.verb is Verb.REMOVE:
        return Move.SWEEP if old is not None and old.state is JournalState.ABORTED else Move.FORGET
    new = row_after(change)
    if old is None:
        added = {
            JournalState.HOME: Move.NAME_HOME,
            JournalState.DECIDED: Move.DECIDE,
            JournalState.ABORTED: Move.BURY,
        }
        if new.state in added:
            return added[new.state]
    elif new.version == old.version and new.state is old.state:
        return Move.RENEW_ROW
    elif old.state is JournalState.DECIDED:
        moved = {JournalState.ABORTED: Move.TAKE_BACK, JournalState.LISTED: Move.LIST}
        if new.state is JournalState.DECIDED:
            return Move.CLAIM if new.owner else Move.LEAVE
        if new.state in moved:
            return moved[new.state]
    raise UnknownMove(f"a row of the journal went from {old and old.state} to {new.state}")
