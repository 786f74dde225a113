"""Other stores in place of an application's own, for as long as a test lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from holdall.errors import DeclarationError
from holdall.session import Bindings
from holdall.store import Provisioned, Store, open_store

__all__ = ["demand_replacements", "replacing"]


def demand_replacements(stores: Mapping[str, Store], given: object) -> dict[str, str | Store]:
    """The store or URL that stands in for each store, by name. Raises DeclarationError for a name that no store has."""
    wanted = given if isinstance(given, Mapping) else dict.fromkeys(stores, given)
    unknown = sorted(set(wanted) - set(stores))
    if unknown:
        raise DeclarationError(f"there is no store {unknown[0]!r} to be replaced; there are {', '.join(stores)}")
    for name, each in wanted.items():
        if isinstance(each, type) or not (isinstance(each, str) or callable(getattr(each, "fetch", None))):
            raise DeclarationError(f"store {name!r} is replaced by a URL or by a store, not by {type(each).__name__}")
    return dict(wanted)


@asynccontextmanager
async def replacing(
    bindings: Bindings, stores: dict[str, Store], wanted: Mapping[str, str | Store]
) -> AsyncIterator[None]:
    """Within the block the collections are kept in these stores, and the contents of files in memory; afterwards in
    their own again.

    Stores that are opened here are closed in the end.
    """
    opened = {name: open_store(name, each) for name, each in wanted.items() if isinstance(each, str)}
    others = {name: opened[name] if isinstance(each, str) else each for name, each in wanted.items()}
    own = dict(stores)
    before = bindings.exchange({id(own[name]): other for name, other in others.items()})
    stores.update(others)
    shelf, bindings.shelf = bindings.shelf, bindings.shelf.in_memory()
    try:
        bindings.configure()
        for store in opened.values():
            if isinstance(store, Provisioned):
                await store.create()
        yield
    finally:
        bindings.shelf = shelf
        stores.update(own)
        await bindings.journal.close()
        bindings.put_back(before)
        for store in opened.values():
            await store.close()
