"""An event on its way to the rows that are written with its commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from holdall.events.body import Body, KeysToCome, encode_body
from holdall.events.rows import PLACES
from holdall.model import EventKind, Record
from holdall.policy import User
from holdall.query import Value
from holdall.session.commit.plan.uuid7 import uuid7
from holdall.session.occurrences import Occurrence

__all__ = ["CommitFacts", "Happened"]


class CommitFacts(msgspec.Struct, frozen=True):
    """The facts that all events of a commit share."""

    commit: str
    at: dt.datetime
    user: User
    user_id: Value
    request_id: str | None

    @classmethod
    def of(cls, user: User, request_id: str | None) -> CommitFacts:
        """The facts of a commit of this user, now."""
        return cls(uuid7().hex, dt.datetime.now(dt.UTC), user, msgspec.to_builtins(user.id), request_id)


class Happened(msgspec.Struct):
    """An event on its way to rows: its body is made once for all of them."""

    occurrence: Occurrence
    id: str
    facts: CommitFacts
    _made: tuple[bytes, list[Record]] | None = None

    def body(self, *, is_whole: bool = False) -> tuple[bytes, list[Record]]:
        """The bytes of its body, and the records whose keys lie beside it; ``is_whole`` with all fields."""
        if self._made is None or is_whole:
            made = self._encoded(is_whole=is_whole)
            if is_whole:
                return made
            self._made = made
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
        occurrence = self.occurrence
        old, new = self.values()
        if is_whole and occurrence.kind is EventKind.CHANGED:
            new = self._told(occurrence.whole)
        to_come = KeysToCome(PLACES)
        key = to_come.place(occurrence.record) if occurrence.key is None else occurrence.key
        old, new = to_come.placed(old), to_come.placed(new)
        facts = self.facts
        body = Body(
            occurrence.kind, key, self.fields, old, new, facts.user_id, facts.request_id, facts.commit, facts.at
        )
        return encode_body(body), to_come.records

    def _told(self, values: Mapping[str, Value]) -> dict[str, Value]:
        secrets = self.occurrence.binding.secrets
        return {name: value for name, value in values.items() if name not in secrets} if secrets else dict(values)
