"""The feed of a collection: what happened to its records lately, kept for those who follow it."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Iterator

import msgspec

from holdall.errors import DeclarationError, HoldallError
from holdall.events.body import Body, decode_body
from holdall.events.happened import Happened
from holdall.events.rows import RowBinding, feed_model, fetched, home_of_rows, readable_values, row_binding
from holdall.model import Model, Record
from holdall.query import AnyQuery, Compare, Condition, Op, Query, Row, SortKey, Value
from holdall.session import Binding, Bindings
from holdall.store import Change, Damaged, Verb

__all__ = ["Feed", "FeedRow"]

_log = logging.getLogger("holdall.events")

_SWEEP_EACH = 500  # rows that this process wrote
_SWEEP_AT_ONCE = 500
_LONGEST = 86_400.0
_INSTEAD: dict[str, Value] = {
    "id": 0, "event": "", "collection": "", "at": dt.datetime.min.replace(tzinfo=dt.UTC), "body": b"",
}  # fmt: skip
"""The columns, each with what stands for a value of it that cannot be read."""


class FeedRow(msgspec.Struct, frozen=True):
    """One event of a feed. Example: :class:`Feed`."""

    id: int
    event: str
    collection: str
    at: dt.datetime
    stored: bytes
    made: tuple[Value, ...]

    def body(self) -> Body:
        """The facts of the event. Raises UnreadableBody where another version has written them."""
        return decode_body(self.stored, self.made)


class Feed:
    """Keeps what happens to records of some collections for so long, a sink of ``Listeners``.

    ``wakes`` are called after each commit of this process that wrote to a feed.
    """

    def __init__(self) -> None:
        self.wakes: set[Callable[[], None]] = set()
        self._seconds: dict[type[Model], float] = {}
        self._feeds: dict[str, RowBinding] = {}  # by collection
        self._kept: dict[str, tuple[RowBinding, float]] = {}  # by the name of a feed
        self._written = 0
        self._sweeping: asyncio.Task[None] | None = None

    def add(self, model: type[Model], seconds: float) -> None:
        """Keep events of a model for ``seconds``. Raises DeclarationError for a time that is none."""
        given: Value = seconds
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= _LONGEST:
            raise DeclarationError(f"a feed keeps events for a number of seconds up to {_LONGEST:.0f}")
        if model in self._seconds:
            raise DeclarationError(f"{model.__name__} has a feed already")
        self._seconds[model] = float(given)

    def of(self, collection: str) -> RowBinding | None:
        """The feed of a collection, if it has one."""
        return self._feeds.get(collection)

    # --- as a sink ----------------------------------------------------------------------------------------------------

    def watches(self, binding: Binding) -> bool:
        """Whether events of a collection are kept."""
        return binding.model in self._seconds

    def settle(self, bindings: Bindings) -> None:
        """Add the collections in which events are kept."""
        self._feeds, self._kept = {}, {}
        for model, seconds in self._seconds.items():
            binding = bindings.of_model(model)
            feed = row_binding(bindings, home_of_rows(bindings, binding), "feed", feed_model)
            self._feeds[binding.collection] = feed
            known = self._kept.get(feed.collection, (feed, 0.0))
            self._kept[feed.collection] = feed, max(known[1], seconds)

    def rows(self, happened: Happened) -> Iterator[tuple[RowBinding, Record, list[Record]]]:
        """Return the row of one event."""
        collection = happened.occurrence.binding.collection
        binding = self._feeds[collection]
        body, awaited = happened.body(is_whole=True)
        row = binding.model(event=happened.id, collection=collection, at=happened.facts.at, body=body)
        yield binding, row, awaited

    def written(self, collections: set[str]) -> None:
        """Wake those who follow, and sweep now and then."""
        if collections.isdisjoint(self._kept):
            return
        for wake in list(self.wakes):
            wake()
        self._written += 1
        if self._written % _SWEEP_EACH == 0 and (self._sweeping is None or self._sweeping.done()):
            self._sweeping = asyncio.get_running_loop().create_task(self.sweep())

    # --- reading ------------------------------------------------------------------------------------------------------

    async def read(self, feed: RowBinding, after: int, limit: int) -> list[FeedRow]:
        """The events after one of them, in the order in which they were written."""
        return await _rows(feed, Compare(("id",), Op.GT, after), limit=limit)

    async def ends(self, feed: RowBinding) -> tuple[int, int]:
        """The ids of the first and the last event that is kept; zeros where there is none."""
        first = await _rows(feed, Compare(("id",), Op.GT, 0), limit=1)
        last = await _rows(feed, Compare(("id",), Op.GT, 0), limit=1, descending=True)
        return (first[0].id, last[0].id) if first and last else (0, 0)

    async def sweep(self) -> None:
        """Remove events that were kept long enough; a failure is logged."""
        for feed, seconds in self._kept.values():
            oldest = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
            try:
                while rows := await _rows(feed, Compare(("id",), Op.GT, 0), limit=_SWEEP_AT_ONCE):
                    old = [row.id for row in rows if row.at < oldest]
                    if old:
                        await feed.store.apply([Change(Verb.REMOVE, feed.collection, each) for each in old])
                    if len(old) < len(rows):
                        break
            except HoldallError as error:
                _log.info("old events of a feed stay for now: %s", error)


async def _rows(feed: RowBinding, *conditions: Condition, limit: int, descending: bool = False) -> list[FeedRow]:
    (condition,) = conditions
    query: AnyQuery = Query(feed.collection, condition, (SortKey(("id",), descending),), limit)
    return [_read(feed, row) for row in await fetched(feed, query)]


def _read(feed: RowBinding, row: Row) -> FeedRow:
    found = FeedRow(*readable_values(feed, row, _INSTEAD))
    if any(isinstance(value, Damaged) for value in row):
        return msgspec.structs.replace(found, stored=b"")  # which nobody can read
    return found
