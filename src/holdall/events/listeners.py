"""All that listens to the changes of an application's records: functions within commits, and rows written with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from holdall.errors import DeclarationError
from holdall.events.bundle import rows_of_columns
from holdall.events.changed_columns import changed_columns
from holdall.events.commit_rows import CommitRows
from holdall.events.feed import Feed
from holdall.events.handler import Consumer, Handler
from holdall.events.happened import CommitFacts, Happened
from holdall.events.rows import RowBinding, home_of_rows, lease_model, outbox_model, row_binding
from holdall.events.telling import News, tell_all
from holdall.model import EventKind, Model, Record
from holdall.policy import User
from holdall.service import Registry
from holdall.session import Batch, Binding, Bindings, Plan
from holdall.session.context import SessionContext
from holdall.session.occurrences import occurrences_of

__all__ = ["Listeners", "Sink"]


class Sink(Protocol):
    """Something that keeps rows of events beside the outbox. Example: :class:`holdall.events.Audit`."""

    def watches(self, binding: Binding) -> bool:
        """Whether events of a collection are kept."""
        ...

    def settle(self, bindings: Bindings) -> None:
        """Add the collections that it needs."""

    def rows(self, happened: Happened) -> Iterator[tuple[RowBinding, Record, list[Record]]]:
        """Return the rows of one event, each with its binding and the records whose keys it awaits."""
        ...

    def written(self, collections: set[str]) -> None:
        """Take note that rows were written to these collections."""


class Listeners:
    """The listeners of one application. Example: :class:`LiveEvent`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.bindings: Bindings = registry.bindings
        self.handlers: list[Handler] = []
        self.consumers: dict[str, Consumer] = {}
        self.sinks: list[Sink] = []
        self.feed: Feed | None = None
        self.outboxes: dict[str, RowBinding] = {}  # by the name of the store that has the records
        self.leases: dict[str, RowBinding] = {}  # by the name of the collection of an outbox
        self.request_id: Callable[[], str | None] = _nothing
        self.wake: Callable[[], None] = _nothing
        self._told: dict[object, tuple[Handler, ...]] = {}
        self._delivered: dict[tuple[object, EventKind], list[tuple[str, frozenset[str] | None]]] = {}

    # --- declaring ----------------------------------------------------------------------------------------------------

    def add_handler(self, handler: Handler) -> None:
        """Take a function that is told within commits."""
        self.handlers.append(handler)
        self._changed()

    def add_consumer(self, consumer: Consumer) -> None:
        """Take a function that is told after commits. Raises DeclarationError where its name is taken."""
        if consumer.name in self.consumers:
            raise DeclarationError(
                f"there is already a function for events named {consumer.name!r}; give it another name"
            )
        self.consumers[consumer.name] = consumer
        self._changed()

    def add_feed(self, model: type[Model], seconds: float) -> None:
        """Keep what happens to records of a model for those who follow it."""
        if self.feed is None:
            self.feed = Feed()
            self.add_sink(self.feed)
        self.feed.add(model, seconds)
        self._changed()

    def add_sink(self, sink: Sink) -> None:
        """Take something else that keeps rows."""
        self.sinks.append(sink)
        self._changed()

    def _changed(self) -> None:
        self.bindings.listen(self)

    def settle(self) -> None:
        """Look which collections are concerned, and add the collections that they need."""
        handlers, consumers = self.handlers, self.consumers.values()
        for trigger in [each for item in (*handlers, *consumers) for each in item.triggers]:
            self.bindings.of_model(trigger.model)
        self.outboxes = {}
        for binding in list(self.bindings):
            model = binding.model
            self._told[model] = tuple([each for each in handlers if _is_about(each, model)])
            is_delivered = False
            for kind in EventKind:
                self._delivered[model, kind] = found = _concerned(consumers, model, kind)
                is_delivered = is_delivered or bool(found)
            binding.is_watched = is_delivered or self._is_kept(binding) or bool(self._told[model])
            if binding.is_watched:
                _demand_key(binding)
            if is_delivered:
                self.outboxes[binding.store.name] = self._outbox(binding)
        for sink in self.sinks:
            sink.settle(self.bindings)

    def _outbox(self, binding: Binding) -> RowBinding:
        store = home_of_rows(self.bindings, binding)
        found = row_binding(self.bindings, store, "outbox", outbox_model)
        self.leases[found.collection] = row_binding(self.bindings, store, "lease", lease_model)
        return found

    # --- listening ----------------------------------------------------------------------------------------------------

    def rows(self, batches: Sequence[Batch], user: User) -> list[Batch]:
        """Return the rows that report what these batches do."""
        rows, facts, number = CommitRows(self.outboxes), None, 0
        for batch in batches:
            if not batch.binding.is_watched:
                continue
            columns = changed_columns(batch) if len(batch.records) > 1 and self._is_alone(batch, batches) else None
            if columns is not None:
                consumers = self._consumers_of(batch.binding, EventKind.CHANGED, columns.fields)
                if consumers:
                    facts = facts or CommitFacts.of(user, self.request_id())
                    rows.add_columns(consumers, batch.binding, rows_of_columns(columns, number, facts))
                number += len(columns.keys)
                continue
            for occurrence in occurrences_of((batch,), _is_watched):
                number += 1
                if occurrence.is_nothing:
                    continue
                facts = facts or CommitFacts.of(user, self.request_id())
                happened, known = Happened(occurrence, number - 1, facts), occurrence.binding
                for consumer in self._consumers_of(known, occurrence.kind, occurrence.changed):
                    rows.add_event(consumer, happened)
                for sink in self.sinks:
                    if sink.watches(known):
                        for row in sink.rows(happened):
                            rows.add(*row)
        return rows.batches()

    def _consumers_of(self, binding: Binding, kind: EventKind, changed: tuple[str, ...]) -> list[str]:
        """Return the names of functions for an event in which these fields have changed."""
        concerned = self._delivered.get((binding.model, kind), ())
        return [name for name, fields in concerned if fields is None or not fields.isdisjoint(changed)]

    def _is_alone(self, batch: Batch, batches: Sequence[Batch]) -> bool:
        """Whether nothing else tells events of its collection, nor keeps them."""
        return sum([each.binding is batch.binding for each in batches]) == 1 and not self._is_kept(batch.binding)

    def _is_kept(self, binding: Binding) -> bool:
        return any(sink.watches(binding) for sink in self.sinks)

    def untold(self, context: SessionContext, plan: Plan) -> list[News]:
        """Return the functions that are still to be delivered what a plan does."""
        if not self.handlers:
            return []
        told = context.records.told
        found: list[News] = []
        batches = [batch for step in plan.steps for batch in step.batches]
        for occurrence in occurrences_of(batches, lambda binding: bool(self._told.get(binding.model))):
            if occurrence.is_nothing:
                continue
            for handler in self._told[occurrence.binding.model]:
                if handler.concerns(occurrence):
                    news = News.of(handler, occurrence)
                    if news.mark not in told or told[news.mark][0] != news.values:
                        found.append(news)
        return found

    async def tell(self, context: SessionContext, news: list[News], seconds: float) -> None:
        """Tell functions, one after the other; raises what they raise."""
        await tell_all(self.registry, self.request_id(), context, news, seconds)

    def written(self, plan: Plan) -> None:
        """Have what was written delivered at once, as far as this process does that."""
        names = {batch.binding.collection for step in plan.steps for batch in step.batches}
        if not names.isdisjoint(self.leases):
            self.wake()
        for sink in self.sinks:
            sink.written(names)


def _is_about(handler: Handler, model: object) -> bool:
    return any(trigger.model is model for trigger in handler.triggers)


def _concerned(
    consumers: Iterable[Consumer], model: object, kind: EventKind
) -> list[tuple[str, frozenset[str] | None]]:
    """The names of those that events of this kind are for, each with the fields one of which is to be changed."""
    found = list[tuple[str, frozenset[str] | None]]()
    for consumer in consumers:
        given = [each.fields for each in consumer.triggers if each.model is model and each.kind is kind]
        if given:
            is_any = kind is not EventKind.CHANGED or not all(given)
            found.append((consumer.name, None if is_any else frozenset[str]().union(*given)))
    return found


def _is_watched(binding: Binding) -> bool:
    return binding.is_watched


def _demand_key(binding: Binding) -> None:
    """Refuse keys that are known too late to be told."""
    if not binding.declaration.key:
        raise DeclarationError(f"{binding.collection} has no key, so that no event could say which record it is about")
    if len(binding.declaration.key) > 1 and binding.store_keys:
        raise DeclarationError(
            f"{binding.collection} has a key of several fields, of which its store makes one: its events cannot name"
            " a new record; give it a key of one field"
        )


def _nothing() -> None:
    return None
