"""The stores of an application beside its models: missing tables are made, differences and gaps are listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress

import msgspec

from holdall.errors import StoreError
from holdall.session import Bindings
from holdall.store import MOVE_NOTES, Difference, Disclosing, Obstructed, Provisioned, Revisable, Sampling, Store

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
    ...     print(await app.inspect(), await app.accepted(), app.passed_over(), await app.durability())
    ...     await app.close()
    >>> import asyncio
    >>> asyncio.run(example())
    True ['main']
    {} {} {} {}
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
        return (await self._sorted_out(_inspected))[0]

    async def obstacles(self) -> dict[str, list[str]]:
        """Return what ``inspect`` does, without single records where the store can distinguish them."""
        return (await self._sorted_out(_obstacles))[0]

    async def accepted(self) -> dict[str, list[str]]:
        """Return by store the differences that its collections accept."""
        return (await self._sorted_out(_inspected))[1]

    def remedies(self, store: str, differences: Sequence[str]) -> list[str]:
        """Return what to do about differences of a store, in a sentence for each kind."""
        missing = [each for each in differences if each.endswith(" is missing")]
        found = ["Make what is missing by app.create() or holdall create."] if missing else []
        if len(missing) < len(differences) and isinstance(self.stores[store], Revisable):
            found.append("Alter what differs by a revision (holdall db revision), or by hand.")
        return found

    async def _sorted_out(
        self, ask: Callable[[Store], Awaitable[Sequence[str]]]
    ) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Return by store what is not accepted, and what is."""
        self.bindings.configure()
        left: dict[str, list[str]] = {}
        accepted: dict[str, list[str]] = {}
        for name, store in self.stores.items():
            names = {each.collection: each.accepted for each in self.bindings if each.store is store}
            left_it = {each.collection for each in self.bindings} - names.keys()  # for another store, by a move
            for told in await ask(store):
                if isinstance(told, Difference) and _is_over(told.collection, names, left_it):
                    continue
                is_taken = isinstance(told, Difference) and told.is_accepted(names.get(told.collection, ()))
                (accepted if is_taken else left).setdefault(name, []).append(told)
        return left, accepted

    def passed_over(self) -> dict[str, list[str]]:
        """Return by store what the last ``inspect`` did not look at, a sentence for each part."""
        sampling = {name: store.passed_over for name, store in self.stores.items() if isinstance(store, Sampling)}
        return {name: sentences for name, sentences in sampling.items() if sentences}

    async def durability(self) -> dict[str, str]:
        """Return by store what its own settings do not promise of a write; one that cannot be reached is left out."""
        found = {}
        for name, store in self.stores.items():
            if isinstance(store, Disclosing):
                with suppress(StoreError):
                    sentence = await store.durability()
                    found.update({name: sentence} if sentence else {})
        return found


def _is_over(collection: str, names: Collection[str], left_it: Collection[str]) -> bool:
    """Whether a store knows a collection that was moved away from there."""
    return collection in left_it or (collection.startswith(MOVE_NOTES) and collection not in names)


async def _inspected(store: Store) -> Sequence[str]:
    return await store.inspect() if isinstance(store, Provisioned) else []


async def _obstacles(store: Store) -> Sequence[str]:
    return await store.obstacles() if isinstance(store, Obstructed) else await _inspected(store)
