"""The part of an application that shows how it works: logs and telemetry, the health of its stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from holdall.app.health import Health, health_of
from holdall.app.observation import Observation, Observing
from holdall.app.replacing import demand_replacements, replacing
from holdall.errors import DeclarationError
from holdall.session import Bindings
from holdall.store import Store, open_store

__all__ = ["Observed"]


class Observed:
    """An application that can be looked at while it works.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "sqlite://")
    ...     app.add(Country, store="main")
    ...     app.observe(slow_query=0.5)
    ...     await app.create()
    ...     print((await app.health()).is_well)
    ...     await app.close()
    >>> import asyncio
    >>> asyncio.run(example())
    True
    """

    def __init__(self, bindings: Bindings, *, echo: bool) -> None:
        self.stores: dict[str, Store] = {}
        self.is_traced = False  # whether ``observe(telemetry=True)`` asks for spans
        self._bindings = bindings
        bindings.known_stores = self.stores
        self._observation = Observation(bindings, self.stores, Observing(echo=echo))

    def observe(
        self, *, echo: bool = False, log_values: bool = False, slow_query: float | None = None, telemetry: bool = False
    ) -> None:
        """Show what stores and sessions do from now on, in place of what was shown before.

        Statements and commits are logged at DEBUG by ``holdall.sql``, ``.mongo``, ``.redis``, ``.yaml``, ``.rest`` and
        ``.commit`` in any case; ``echo`` writes the same lines to standard error. ``log_values`` shows the values as
        well, secrets among them. A statement that took ``slow_query`` seconds is a WARNING. ``telemetry`` makes spans
        and metrics of OpenTelemetry. Sessions that are open stay as they are. Raises DeclarationError for what does not
        fit, and where OpenTelemetry is not installed. Example: :class:`Observed`.
        """
        observing = Observing(echo=echo, log_values=log_values, slow_query=slow_query, telemetry=telemetry)
        self._observation.change(observing)
        self.is_traced = telemetry

    @asynccontextmanager
    async def replaced(self, store: str | Store | Mapping[str, str | Store]) -> AsyncIterator[Self]:
        """Within the block, keep collections in other stores: ``replaced("memory:")`` for all of them,
        ``replaced({"main": "memory:"})`` for one.

        Stores that are given by a URL get all that the collections need, and are closed in the end; a store that is
        given as it is stays as it is. For tests: sessions that are open go on as they were. Raises DeclarationError for
        the name of no store. Example: ``docs/testing.md``.
        """
        wanted = demand_replacements(self.stores, store)
        async with replacing(self._bindings, self.stores, wanted):
            self._observation.look()
            yield self

    def replace_store(self, name: str, store: str | Store, **options: object) -> Store:
        """Keep the collections of a store in another one, from the next session on; return the former, still open.

        Nothing is copied, and what a URL names gets its tables by ``create``. Raises DeclarationError for the name of
        no store, and as ``add_store`` does. Example: ``docs/testing.md``.
        """
        demand_replacements(self.stores, {name: store})
        if options and not isinstance(store, str):
            raise DeclarationError(
                f"store {name!r} is made already, and takes no options: {', '.join(sorted(options))}"
            )
        made = open_store(name, store, **options) if isinstance(store, str) else store
        former = self.stores[name]
        self._bindings.move({id(former): made})
        self.stores[name] = made
        self._observation.look()
        return former

    async def health(self, *, timeout: float = 2.0) -> Health:  # noqa: ASYNC109 - of each store by itself
        """Ask all stores at once for a sign of life, each for at most ``timeout`` seconds.

        A store that fails is part of the answer. Raises StateError for a timeout that is none. Example:
        :class:`Observed`.
        """
        self._observation.look()
        return await health_of(self.stores, timeout)
