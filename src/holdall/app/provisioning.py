"""The stores of an application beside its models: missing tables are made, differences and gaps are listed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import msgspec

from holdall.errors import StoreError
from holdall.session import Bindings
from holdall.store import Disclosing, Obstructed, Provisioned, Store

__all__ = ["Provisioning"]


class Provisioning(msgspec.Struct, eq=False):
    """Creates and inspects what the stores of one application have for its collections.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "sqlite:///:memory:")
    ...     app.add(Country, store="main")
    ...     print(await app.inspect() == await app.obstacles(), list(await app.inspect()))
    ...     await app.create()
    ...     await app.verify()
    ...     print(await app.inspect(), await app.durability())
    ...     await app.close()
    >>> import asyncio
    >>> asyncio.run(example())
    True ['main']
    {} {}
    """

    bindings: Bindings
    stores: Mapping[str, Store]

    async def create(self) -> None:
        """Create what the stores lack for the collections; nothing that is there is changed."""
        self.bindings.configure()
        for store in self.stores.values():
            if isinstance(store, Provisioned):
                await store.create()

    async def inspect(self) -> dict[str, list[str]]:
        """Return by store how its content differs from the models, a sentence for each difference."""
        self.bindings.configure()
        found = {}
        for name, store in self.stores.items():
            differences = await store.inspect() if isinstance(store, Provisioned) else []
            if differences:
                found[name] = differences
        return found

    async def obstacles(self) -> dict[str, list[str]]:
        """Return what ``inspect`` does, without single records where the store can distinguish them."""
        self.bindings.configure()
        found = {}
        for name, store in self.stores.items():
            if isinstance(store, Obstructed):
                differences = await store.obstacles()
            else:
                differences = await store.inspect() if isinstance(store, Provisioned) else []
            if differences:
                found[name] = differences
        return found

    async def durability(self) -> dict[str, str]:
        """Return by store what its own settings do not promise of a write; one that cannot be reached is left out."""
        found = {}
        for name, store in self.stores.items():
            if isinstance(store, Disclosing):
                with suppress(StoreError):
                    sentence = await store.durability()
                    found.update({name: sentence} if sentence else {})
        return found
