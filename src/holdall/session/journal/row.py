"""One row of a journal, and the changes that write it, move it on and remove it.

Invariant: a row is fenced by its version. The mover of a row expects the version it saw, so of a commit and a helper
that both believe to be in charge only one gets any further (Gray and Reuter, chapter 10; the fencing token of leases).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from holdall.query import Value
from holdall.session.journal.log_format import UnreadableBody, decode_record, encode_record
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.schema import JOURNAL
from holdall.store import Change, Damaged, Verb

__all__ = ["JournalRow", "JournalState", "add_row", "now", "read_row", "remove_row", "update_row"]

_FIELDS = tuple(field.name for field in JOURNAL.fields)
_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_MOVED = ("state", "owner", "expires", "body", "version")


class JournalState(StrEnum):
    """How a commit stands, and what a helper has to do about it. Example: :class:`Recovery`."""

    BEGUN = "begun"  # not decided: undo the calls that may have been made
    DECIDED = "decided"  # roll forward what is left to do
    UNDOING = "undoing"  # decided against: go on undoing
    LISTED = "listed"  # nobody can go on: somebody must look at it
    ABORTED = "aborted"  # a tombstone: this commit can never be decided
    HOME = "home"  # no commit: the identity of this journal
    UNKNOWN = "unknown"  # written by another version of Holdall


class JournalRow(msgspec.Struct, frozen=True):
    """One commit as the journal has it.

    ``problem`` says why ``record`` could not be read, which is empty then; the row ``is_damaged`` where no version of
    Holdall could read it.
    """

    id: str
    state: JournalState
    owner: str
    expires: dt.datetime
    record: LogRecord
    version: int = 1
    problem: str = ""
    is_damaged: bool = False

    def moved(self, state: JournalState, owner: str, expires: dt.datetime, record: LogRecord) -> JournalRow:
        """The row of the next version."""
        return JournalRow(self.id, state, owner, expires, record, self.version + 1)


def now() -> dt.datetime:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC)


def add_row(row: JournalRow) -> Change:
    """The change that adds the row."""
    return Change(Verb.ADD, JOURNAL.name, row.id, _FIELDS, (row.id, *_values(row)))


def update_row(row: JournalRow) -> Change:
    """The change that puts the row in the place of the version before it."""
    return Change(Verb.UPDATE, JOURNAL.name, row.id, _MOVED, _values(row), row.version - 1)


def remove_row(row: JournalRow) -> Change:
    """The change that removes the row."""
    return Change(Verb.REMOVE, JOURNAL.name, row.id, version=row.version)


def read_row(values: Sequence[Value]) -> JournalRow:
    """The row with these values. Unreadable ones make a row with a ``problem``, so that it stops no other."""
    damaged = [name for name, value in zip(_FIELDS, values, strict=True) if isinstance(value, Damaged)]
    if damaged:
        commit, owner = ("" if isinstance(value, Damaged) else value for value in (values[0], values[2]))
        problem = f"its row is damaged: {', '.join(damaged)} cannot be read"
        return JournalRow(commit, JournalState.UNKNOWN, owner, _NEVER, LogRecord([]), 0, problem, is_damaged=True)
    commit, state, owner, expires, body, version = values
    problem, record, is_damaged = "", LogRecord([]), False
    try:
        known = JournalState(state)
    except ValueError:
        known, problem = JournalState.UNKNOWN, f"its state {state!r} is not known to this version of Holdall"
    if known not in (JournalState.HOME, JournalState.UNKNOWN):
        try:
            record = decode_record(body)
        except UnreadableBody as error:
            problem, is_damaged = str(error), error.is_damage
    return JournalRow(commit, known, owner, expires, record, version, problem, is_damaged)


def _values(row: JournalRow) -> tuple[Value, ...]:
    return row.state.value, row.owner, row.expires, encode_record(row.record), row.version
