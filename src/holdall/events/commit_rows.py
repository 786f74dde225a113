"""The rows that are written with one commit: events for functions, several of them in one row, and rows of sinks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from holdall.events.bundle import Bundled, bundles_of, encode_bundle
from holdall.events.happened import Happened
from holdall.events.rows import RowBinding, put_awaited
from holdall.model import Record
from holdall.query import Key
from holdall.session import Batch, Binding
from holdall.session.commit.plan.uuid7 import uuid7
from holdall.store import Verb

__all__ = ["CommitRows"]


class CommitRows:
    """Gathers the rows of one commit; ``outboxes`` are those of stores, by name. Example: :class:`Listeners`."""

    def __init__(self, outboxes: Mapping[str, RowBinding]) -> None:
        self._outboxes = outboxes
        self._rows: dict[tuple[str, bool], tuple[RowBinding, list[Record]]] = {}
        self._events: dict[tuple[str, Binding], list[Happened]] = {}

    def add(self, binding: RowBinding, row: Record, awaited: list[Record]) -> None:
        """Take a row, and the records whose keys it awaits."""
        is_awaiting = bool(awaited) and put_awaited(binding, row, awaited)
        kept = self._rows.get((binding.collection, is_awaiting))
        if kept is None:
            kept = self._rows[binding.collection, is_awaiting] = binding, []
        kept[1].append(row)

    def add_event(self, handler: str, happened: Happened) -> None:
        """Take an event for a function."""
        about = handler, happened.occurrence.binding
        kept = self._events.get(about)
        if kept is None:
            kept = self._events[about] = []
        kept.append(happened)

    def add_columns(self, handlers: Sequence[str], binding: Binding, events: Iterable[tuple[str, bytes]]) -> None:
        """Take changes for functions: what each row has as its event, and the stored bytes."""
        outbox, collection = self._outboxes[binding.store.name], binding.collection
        for event, stored in events:
            for handler in handlers:
                self.add(outbox, outbox.model(event=event, handler=handler, collection=collection, body=stored), [])

    def batches(self) -> list[Batch]:
        """Return all rows, as batches of a commit."""
        for (handler, binding), events in self._events.items():
            self._add_rows(self._outboxes[binding.store.name], handler, binding.collection, events)
        return [
            _batch(binding, rows, is_awaiting=is_awaiting) for (_, is_awaiting), (binding, rows) in self._rows.items()
        ]

    def _add_rows(self, outbox: RowBinding, handler: str, collection: str, events: list[Happened]) -> None:
        """Add the rows of events of a collection for a function; one that awaits keys has a row of its own."""

        def add(event: str, body: bytes, awaited: list[Record]) -> None:
            self.add(outbox, outbox.model(event=event, handler=handler, collection=collection, body=body), awaited)

        if len(events) == 1:
            add(events[0].id, *events[0].body())
            return
        whole: list[Bundled] = []
        for happened in events:
            body, awaited = happened.body()
            if awaited:
                add(happened.id, body, awaited)
            else:
                whole.append(Bundled(happened.number, body))
        commit = events[0].facts.commit
        for bundle in bundles_of(whole):
            if len(bundle) == 1:
                add(f"{commit}-{bundle[0].number}", bundle[0].body, [])
            elif bundle:
                add(commit, encode_bundle(bundle), [])


def _batch(binding: RowBinding, rows: list[Record], *, is_awaiting: bool) -> Batch:
    for field in binding.own_keys:
        for row in rows:
            field.put(row, uuid7())
    keys: list[Key] = [None] * len(rows) if binding.is_hidden else list(map(binding.declaration.key_of, rows))
    fields = binding.fields_without(binding.store_keys if is_awaiting else binding.left_out)
    awaits = binding.awaiting if is_awaiting else ()
    return Batch(binding, Verb.ADD, rows, keys, fields, awaits=awaits, is_untold=binding.is_hidden)
