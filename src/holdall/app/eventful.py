"""The part of an application that has events: functions within commits and after them, and the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from holdall.app.given import demand_model, demand_name
from holdall.errors import DeclarationError
from holdall.events import AuditEntry, Outbox
from holdall.events.audit import Audit
from holdall.events.handler import Consumer, Handler, demand_function, demand_triggers
from holdall.events.listeners import Listeners
from holdall.events.worker import Worker
from holdall.model import Model
from holdall.policy import Nobody
from holdall.policy.rule import Given
from holdall.query import Value
from holdall.service import Registry
from holdall.store import Store

if TYPE_CHECKING:
    from holdall.events.webhooks import Webhook

__all__ = ["Eventful"]

F = TypeVar("F", bound=Callable[[Value], Value])


class Eventful:
    """An application whose records have events. Example: :class:`holdall.events.Outbox`."""

    name: str
    registry: Registry
    stores: dict[str, Store]

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # on which events are delivered, from start to close
        self._webhooks: list[Webhook] = []

    @cached_property
    def listeners(self) -> Listeners:
        """Return all that listens to changes of records; for other rooms. Example: :class:`Eventful`."""
        return Listeners(self.registry)

    @cached_property
    def outbox(self) -> Outbox:
        """Return what is still to be delivered, to be listed and delivered. Example: :class:`holdall.events.Outbox`."""
        return Outbox(self.listeners, self._lease)

    def on(self, *triggers: object) -> Callable[[F], F]:
        """Have a function called for events within their commit: ``@app.on(Book.created, Book.changed("status"))``.

        The function takes a ``LiveEvent``. An error that it raises refuses the commit and is raised by that. Records
        that it changes in ``event.session`` go into the same commit, under the rights of the session's user. The call
        comes before the commit decides, anew where that is worked out anew, and may take the commit's ``timeout``.
        Raises DeclarationError for what is no event, and for a function that yields or does not take an event alone.
        Example: :class:`holdall.events.LiveEvent`.
        """
        known = demand_triggers(triggers)

        def declare(function: F) -> F:
            self.listeners.add_handler(Handler(demand_function(function), known, function))
            return function

        return declare

    def after(
        self, *triggers: object, name: str, attempts: int = 10, timeout: float = 30.0, backoff: float = 1.0
    ) -> Callable[[F], F]:
        """Have a function called for events after their commit, at least once, in order for each record.

        The function takes an ``Event``, which is kept in the same commit under ``name`` until the function has returned
        from it. A try that raises, or takes ``timeout`` seconds, is repeated, the first time after ``backoff`` seconds;
        after the last of ``attempts`` it is a dead letter. Raises DeclarationError for what is no event, a name that is
        taken, limits that are none, and a function that yields or does not take an event alone.
        Example: :class:`holdall.events.Outbox`.
        """
        known = demand_triggers(triggers)

        def declare(function: F) -> F:
            demand_function(function)
            self._add_consumer(Consumer(name, known, function, attempts, timeout, backoff))
            return function

        return declare

    def add_webhook(
        self,
        url: str,
        *triggers: object,
        name: str,
        secret: str | Sequence[str],
        attempts: int = 10,
        timeout: float = 10.0,
        backoff: float = 1.0,
        **options: Value,
    ) -> None:
        """Have events sent to a URL after their commit, as ``after`` has functions called, from ``holdall[rest]``.

        The body is a CloudEvents 1.0 document, signed with ``secret``, or with several while they are exchanged, as
        Standard Webhooks says. Further options: ``fields``, the names of those whose values are sent; ``source``, in
        the place of ``/`` and the name of the application; ``headers``; ``allow_http`` and ``allow_private``, without
        which a URL is https and leads into the public network. Raises DeclarationError as ``after``, and for what is no
        such URL, secret or option. Example: ``docs/events.md``.
        """
        from holdall.events.webhooks import webhook_of  # takes its time, and only these need it

        known = demand_triggers(triggers)
        secrets = [secret] if isinstance(secret, str) else list(secret)
        options.setdefault("source", f"/{self.name}")
        webhook = webhook_of(url, secrets, known, options)
        self._add_consumer(Consumer(name, known, webhook, attempts, timeout, backoff))
        self._webhooks.append(webhook)

    def add_feed(self, *models: type[Model], seconds: float = 600.0) -> None:
        """Let clients of the REST service follow these models: ``GET /books/events``, server-sent events.

        Events are kept, in the same commit, for ``seconds``, so that clients of every process see it, and may come
        back after a while without missing anything. Raises DeclarationError for what is no model or time.
        Example: ``docs/events.md``.
        """
        for model in models:
            demand_model(model)
            self.listeners.add_feed(model, seconds)
        self._deliver_from_now()

    def add_audit(
        self, *models: type[Model], store: str, read: Given = Nobody, collection: str = "audit"
    ) -> type[AuditEntry]:
        """Keep every change of these models as an entry in a store, in the same commit; return the model of entries.

        ``read`` is the rule of who may read entries, also over HTTP; nobody but commits writes them. Entries have the
        values of all fields but secrets, whatever their readers may see elsewhere. Raises DeclarationError where the
        store is unknown or cannot keep entries with its commits, and where the name is taken.
        Example: :class:`holdall.events.AuditEntry`.
        """
        for model in models:
            demand_model(model)
        if not models:
            raise DeclarationError("name the models whose changes are kept: add_audit(Book, store=...)")
        demand_name("a collection", collection)
        if store not in self.stores:
            raise DeclarationError(f"there is no store {store!r}; add it with add_store({store!r}, url)")
        audit = Audit(models, self.stores[store], collection, read)
        self.listeners.bindings.add(audit.binding)
        self.listeners.add_sink(audit)
        entry: type[AuditEntry] = audit.binding.model
        return entry

    def tell_request_ids(self, function: Callable[[], str | None]) -> None:
        """Have events say in answer to which request they happened; for services. Example: ``docs/events.md``."""
        self.listeners.request_id = function

    def _start_delivering(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._deliver()

    def _add_consumer(self, consumer: Consumer) -> None:
        self.listeners.add_consumer(consumer)
        self._deliver_from_now()

    def _deliver_from_now(self) -> None:
        """Deliver what was just declared, too, where the application is started; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        if self._loop is None or "listeners" not in self.__dict__:
            return
        if self.outbox.is_used or self.listeners.feed is not None:
            if self._worker is None:
                self._worker = Worker(self.outbox, self._sweep)
                self.listeners.wake = self._worker.wake
            self._worker.start()

    async def _sweep(self) -> None:
        feed = self.listeners.feed
        if feed is not None:
            await feed.sweep()

    async def _stop_delivering(self) -> None:
        self._loop = None
        if self._worker is not None:
            await self._worker.stop()
        for webhook in self._webhooks:
            await webhook.close()
