"""The rows that are written with one commit: events for functions, several of them in one row, and rows of sinks."""

from __future__ import annotations

from holdall.events.bundle import Bundled, bundles_of, encode_bundle
from holdall.events.happened import Happened
from holdall.events.rows import RowBinding, put_awaited
from holdall.model import Record
from holdall.query import Key
from holdall.session import Batch
from holdall.session.commit.plan.uuid7 import uuid7
from holdall.store import Verb

__all__ = ["CommitRows"]


class CommitRows:
    """Gathers the rows of one commit. Example: :class:`Listeners`."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, bool], tuple[RowBinding, list[Record]]] = {}
        self._events: dict[tuple[str, str, str], tuple[RowBinding, list[Bundled]]] = {}
        self._commit = ""

    def add(self, binding: RowBinding, row: Record, awaited: list[Record]) -> None:
        """Take a row, and the records whose keys it awaits."""
        is_awaiting = bool(awaited) and put_awaited(binding, row, awaited)
        kept = self._rows.get((binding.collection, is_awaiting))
        if kept is None:
            kept = self._rows[binding.collection, is_awaiting] = binding, []
        kept[1].append(row)

    def add_event(self, outbox: RowBinding, handler: str, happened: Happened) -> None:
        """Take an event for a function; one that awaits keys has a row of its own."""
        body, awaited = happened.body()
        collection = happened.occurrence.binding.collection
        if awaited:
            row = outbox.model(event=happened.id, handler=handler, collection=collection, body=body)
            self.add(outbox, row, awaited)
            return
        self._commit = happened.facts.commit
        kept = self._events.get((outbox.collection, handler, collection))
        if kept is None:
            kept = self._events[outbox.collection, handler, collection] = outbox, []
        kept[1].append(Bundled(happened.number, body))

    def batches(self) -> list[Batch]:
        """Return all rows, as batches of a commit."""
        for (_, handler, collection), (outbox, events) in self._events.items():
            for each in bundles_of(events):
                event, body = self._commit, each[0].body
                if len(each) > 1:
                    body = encode_bundle(each)
                else:
                    event = f"{event}-{each[0].number}"
                self.add(outbox, outbox.model(event=event, handler=handler, collection=collection, body=body), [])
        return [
            _batch(binding, rows, is_awaiting=is_awaiting) for (_, is_awaiting), (binding, rows) in self._rows.items()
        ]


def _batch(binding: RowBinding, rows: list[Record], *, is_awaiting: bool) -> Batch:
    for field in binding.own_keys:
        for row in rows:
            field.put(row, uuid7())
    keys: list[Key] = [None] * len(rows) if binding.is_hidden else list(map(binding.declaration.key_of, rows))
    fields = binding.fields_without(binding.store_keys if is_awaiting else binding.left_out)
    awaits = binding.awaiting if is_awaiting else ()
    return Batch(binding, Verb.ADD, rows, keys, fields, awaits=awaits, is_untold=binding.is_hidden)
