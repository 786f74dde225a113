"""An event on its way to the rows that are written with its commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from holdall.events.body import KeysToCome, encode_facts, encode_plain, encode_tail, is_plain
from holdall.events.rows import PLACES
from holdall.model import EventKind, Record
from holdall.policy import User
from holdall.query import Value
from holdall.session.commit.plan.uuid7 import uuid7_hex
from holdall.session.occurrences import Occurrence

__all__ = ["CommitFacts", "Happened"]


class CommitFacts(msgspec.Struct, frozen=True):
    """The facts that all events of a commit share; ``tail`` is what bodies have of them."""

    commit: str
    at: dt.datetime
    user: User
    request_id: str | None
    tail: bytes

    @classmethod
    def of(cls, user: User, request_id: str | None) -> CommitFacts:
        """The facts of a commit of this user, now."""
        commit, at, user_id = uuid7_hex(), dt.datetime.now(dt.UTC), user.id
        if user_id.__class__ is not str:
            user_id = msgspec.to_builtins(user_id)
        return cls(commit, at, user, request_id, encode_tail(user_id, request_id, commit, at))


class Happened(msgspec.Struct):
    """An event on its way to rows, the ``number`` of its commit: its body is made once for all of them."""

    occurrence: Occurrence
    number: int
    facts: CommitFacts
    _made: tuple[bytes, list[Record]] | None = None

    @property
    def id(self) -> str:
        """The id of the event."""
        return f"{self.facts.commit}-{self.number}"

    def body(self, *, is_whole: bool = False) -> tuple[bytes, list[Record]]:
        """The bytes of its body, and the records whose keys lie beside it; ``is_whole`` with all fields."""
        if is_whole:
            return self._encoded(is_whole=True)
        if self._made is None:
            self._made = self._encoded(is_whole=False)
        return self._made

    def values(self) -> tuple[dict[str, Value], dict[str, Value]]:
        """The values before and after, without those of secrets."""
        return self._told(self.occurrence.old), self._told(self.occurrence.new)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that have other values now; of a record that comes or goes, all of them."""
        is_change = self.occurrence.kind is EventKind.CHANGED
        return self.occurrence.changed if is_change else self.occurrence.binding.all_fields

    def _encoded(self, *, is_whole: bool) -> tuple[bytes, list[Record]]:
        occurrence, tail = self.occurrence, self.facts.tail
        kind, key = occurrence.kind, occurrence.key
        old, new = occurrence.old, occurrence.new
        is_simple = occurrence.is_plain
        if is_whole and kind is EventKind.CHANGED:
            new, is_simple = occurrence.whole, False
        if occurrence.binding.secrets:
            old, new = self._told(old), self._told(new)
        if key is not None and (is_simple or (is_plain(old) and is_plain(new))):
            return encode_plain(kind, key, self.fields, old, new, tail), []
        to_come = KeysToCome(PLACES)
        if key is None:
            key = to_come.place(occurrence.record)
        old, new = to_come.placed(old), to_come.placed(new)
        return encode_facts(kind, key, self.fields, old, new, tail), to_come.records

    def _told(self, values: Mapping[str, Value]) -> dict[str, Value]:
        secrets = self.occurrence.binding.secrets
        return {name: value for name, value in values.items() if name not in secrets} if secrets else dict(values)
