"""The part of a YAML store that shows how it works: reads and writes of its folder, how it finds records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import TypeVar

from anyio.to_thread import run_sync

from holdall.errors import StoreUnavailable
from holdall.query import AnyQuery, outline
from holdall.store import Change, Observer, Rows, Seam, StorePlan, keys_asked
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.view import Shelf

__all__ = ["SeenYamlStore", "shown", "shown_rows"]

T = TypeVar("T")


async def shown_rows(seam: Seam, query: AnyQuery, rows: Awaitable[Rows]) -> Rows:
    """The rows of a query, once it was shown."""
    with seam.watching(f"read {outline(query)}", query.condition) as watching:
        found = await rows
        watching.rows = len(found)
    return found


async def shown(seam: Seam, verb: str, changes: Sequence[Change], answer: Awaitable[T]) -> T:
    """The answer to changes, once they were shown."""
    collections = ", ".join(sorted({change.collection for change in changes}))
    with seam.watching(f"{verb} {collections}", [change.values for change in changes]) as watching:
        found = await answer
        watching.rows = len(changes)
    return found


class SeenYamlStore:
    """The work of a store as others see it; ``fetch`` refuses queries that cannot be answered."""

    name: str
    _seam: Seam
    _folder: Folder
    _shelves: Mapping[str, Shelf]
    fetch: Callable[[AnyQuery], Awaitable[Rows]]

    @property
    def family(self) -> str:
        """The family of its reads and writes."""
        return self._seam.family

    def observe(self, observer: Observer | None) -> None:
        """Show this observer each read and write from now on."""
        self._seam.observer = observer

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """Say which files are read to answer a query; with ``analyze`` they are read."""
        keys = keys_asked(self._shelves[query.collection].schema, query)
        told = (
            "all files of the collection that have changed are read" if keys is None else f"by key: {len(keys)} records"
        )
        if analyze:
            begun = perf_counter()
            rows = await self.fetch(query)
            told += f"\n{len(rows)} rows in {perf_counter() - begun:.6f} s"
        return StorePlan(outline(query), told)

    async def ping(self) -> None:
        """Look whether the folder is there. Raises StoreUnavailable where it is not."""
        if not await run_sync(self._folder.root.is_dir):
            raise StoreUnavailable(self.name, f"the folder {self._folder.root} is not there")
