"""Rows of an outbox as they come up from its store, and the events that wait in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec

from holdall.events.body import Body, decode_body
from holdall.events.bundle import decode_bundle, is_bundle
from holdall.events.event import Event, python_values
from holdall.events.rows import MADE, RowBinding, fetched, readable_values
from holdall.query import MAX_INT, And, AnyQuery, Compare, Condition, Key, Op, Query, SortKey, Value
from holdall.session import Bindings
from holdall.session.journal.packing import UnreadableBody
from holdall.store import Damaged

__all__ = ["OutboxRow", "Waiting", "newest_of", "rows_of"]

_PAGE = 200
_INSTEAD: dict[str, Value] = {
    "id": 0, "event": "", "handler": "", "collection": "", "is_dead": False, "attempts": 0, "due": None, "error": "",
    "body": b"",
}  # fmt: skip
"""The columns, each with what stands for a value of it that cannot be read."""


class OutboxRow(msgspec.Struct, frozen=True):
    """One row: an event that is to be delivered to one function, or a bundle of several events of one commit.

    A bundle has how each event was tried in itself. Its row ``is_dead`` where all events of it are dead letters, has
    any ``error`` where one of them has, and ``attempts`` that count how often it was written anew.
    """

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

    def waiting(self) -> list[Waiting]:
        """The events that wait in it, in order; a bundle that cannot be read stands as one."""
        if is_bundle(self.stored):
            try:
                return [
                    Waiting(self, each.number, each.body, each.attempts, each.due, each.error, each.is_dead)
                    for each in decode_bundle(self.stored)
                ]
            except UnreadableBody:
                pass  # which is told of its body
        return [Waiting(self, None, self.stored, self.attempts, self.due, self.error, self.is_dead)]


class Waiting(msgspec.Struct, frozen=True):
    """An event that waits for its function, or is a dead letter; ``number`` is that in its bundle, if it is in one."""

    row: OutboxRow
    number: int | None
    stored: bytes
    attempts: int
    due: dt.datetime | None
    error: str
    is_dead: bool

    @property
    def place(self) -> str:
        """Where it is in its outbox: the id of its row, and its number there."""
        return str(self.row.id) if self.number is None else f"{self.row.id}.{self.number}"

    @property
    def event(self) -> str:
        """The id of the event."""
        return self.row.event if self.number is None else f"{self.row.event}-{self.number}"

    @property
    def attempt(self) -> int:
        """The number of the next try, from 1; a count as large as stores keep begins again."""
        return self.attempts % MAX_INT + 1

    def body(self) -> Body:
        """The facts of the event. Raises UnreadableBody where another version has written them."""
        if self.number is None and is_bundle(self.stored):
            decode_bundle(self.stored)  # raises, and says why it is no bundle
        return decode_body(self.stored, self.row.made)

    def event_for(self, bindings: Bindings) -> Event:
        """The event as its function gets it. Raises UnreadableBody, or StateError for an unknown collection."""
        body, binding = self.body(), bindings.of_name(self.row.collection)
        return Event(
            self.event,
            body.kind,
            binding.model,
            self.row.collection,
            body.key,
            body.fields,
            python_values(binding, body.old),
            python_values(binding, body.new),
            body.user,
            body.request_id,
            body.commit,
            body.at,
            self.attempt,
        )

    @property
    def subject(self) -> tuple[str, Key]:
        """The record that the event is about, which orders the events of one function."""
        try:
            return self.row.collection, _hashable(self.body().key)
        except UnreadableBody:
            return self.row.collection, ("unreadable", self.place)


def _hashable(key: Key) -> Key:
    return tuple(map(_hashable, key)) if isinstance(key, tuple | list) else key


async def rows_of(binding: RowBinding, *conditions: Condition, after: int = 0, limit: int = _PAGE) -> list[OutboxRow]:
    """The rows that meet these conditions, in the order in which they were written, after one of them."""
    found = And((Compare(("id",), Op.GT, after), *conditions))
    query: AnyQuery = Query(binding.collection, found, (SortKey(("id",)),), limit)
    return list(_read(binding, await fetched(binding, query)))


async def newest_of(binding: RowBinding, *conditions: Condition) -> int | None:
    """The id of the row that was written last of those that meet these conditions, None where there is none."""
    newest = (SortKey(("id",), descending=True),)
    query: AnyQuery = Query(binding.collection, And(conditions), newest, 1, projection=(("id",),))
    rows = await binding.store.fetch(query)
    return None if not rows else int(rows[0][0])


def _read(binding: RowBinding, rows: Value) -> Iterator[OutboxRow]:
    places = binding.schema.positions
    for row in rows:
        found = OutboxRow(*readable_values(binding, row, _INSTEAD))
        if any(isinstance(row[places[name]], Damaged) for name in ("event", "collection", *MADE)):
            found = msgspec.structs.replace(found, stored=b"")  # which nobody can read, so that it is a dead letter
        yield found
