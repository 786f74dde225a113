"""Rows of an outbox as they come up from its store, and the changes that move them on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec

from holdall.events.body import Body, decode_body
from holdall.events.event import Event, python_values
from holdall.events.rows import MADE, RowBinding, fetched, readable
from holdall.query import And, AnyQuery, Compare, Condition, Key, Op, Query, SortKey, Value
from holdall.session import Bindings
from holdall.store import Change, Damaged, Verb

__all__ = ["OutboxRow", "dead", "removed", "revived", "rows_of", "tried"]

_PAGE = 200
_INSTEAD: dict[str, Value] = {
    "id": 0, "event": "", "handler": "", "collection": "", "is_dead": False, "attempts": 0, "due": None, "error": "",
    "body": b"",
}  # fmt: skip
"""The columns, each with what stands for a value of it that cannot be read."""


class OutboxRow(msgspec.Struct, frozen=True):
    """One row: an event that is to be delivered to one function."""

    id: int
    event: str
    handler: str
    collection: str
    is_dead: bool
    attempts: int
    due: dt.datetime | None
    error: str
    stored: bytes
    made: tuple[Value, ...]

    def body(self) -> Body:
        """The facts of the event. Raises UnreadableBody where another version has written them."""
        return decode_body(self.stored, self.made)

    def event_for(self, bindings: Bindings) -> Event:
        """The event as its function gets it. Raises UnreadableBody, or StateError for an unknown collection."""
        body, binding = self.body(), bindings.of_name(self.collection)
        return Event(
            self.event,
            body.kind,
            binding.model,
            self.collection,
            body.key,
            body.fields,
            python_values(binding, body.old),
            python_values(binding, body.new),
            body.user,
            body.request_id,
            body.commit,
            body.at,
            self.attempts + 1,
        )

    @property
    def subject(self) -> tuple[str, Key]:
        """The record that the event is about, which orders the events of one function."""
        return self.collection, _hashable(self.body().key)


def _hashable(key: Key) -> Key:
    return tuple(map(_hashable, key)) if isinstance(key, tuple | list) else key


async def rows_of(binding: RowBinding, *conditions: Condition, after: int = 0, limit: int = _PAGE) -> list[OutboxRow]:
    """The rows that meet these conditions, in the order in which they were written, after one of them."""
    found = And((Compare(("id",), Op.GT, after), *conditions))
    query: AnyQuery = Query(binding.collection, found, (SortKey(("id",)),), limit)
    return list(_read(binding, await fetched(binding, query)))


def _read(binding: RowBinding, rows: Value) -> Iterator[OutboxRow]:
    places = binding.schema.positions
    for row in rows:
        values: Value = [readable(row[places[name]], instead) for name, instead in _INSTEAD.items()]
        values.append(tuple([row[places[name]] for name in MADE]))
        found = OutboxRow(*values)
        if any(isinstance(row[places[name]], Damaged) for name in ("event", "collection", *MADE)):
            found = msgspec.structs.replace(found, stored=b"")  # which nobody can read, so that it is a dead letter
        yield found


def removed(binding: RowBinding, row: int) -> Change:
    """The change that removes a row."""
    return Change(Verb.REMOVE, binding.collection, row)


def tried(binding: RowBinding, row: OutboxRow, due: dt.datetime, error: str) -> Change:
    """The change that notes a try in vain, and when the next one is due."""
    values = (row.attempts + 1, due, error)
    return Change(Verb.UPDATE, binding.collection, row.id, ("attempts", "due", "error"), values)


def dead(binding: RowBinding, row: OutboxRow, error: str) -> Change:
    """The change that makes a row a dead letter."""
    values = (True, row.attempts + 1, None, error)
    return Change(Verb.UPDATE, binding.collection, row.id, ("is_dead", "attempts", "due", "error"), values)


def revived(binding: RowBinding, row: int) -> Change:
    """The change that makes a row to be delivered as if it were new."""
    values = (False, 0, None, "")
    return Change(Verb.UPDATE, binding.collection, row, ("is_dead", "attempts", "due", "error"), values)
