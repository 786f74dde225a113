"""The file stores of an application by name, and the way to them from a record."""

from __future__ import annotations

from collections.abc import Iterator

from holdall.errors import DeclarationError
from holdall.files.contract import FileStore
from holdall.files.stores.inside import InsideFiles
from holdall.files.stores.memory import MemoryFiles
from holdall.model import Record, gateway_of, track_of

__all__ = ["INSIDE", "Shelf", "store_of"]

INSIDE = ""
"""The name of the store that keeps contents in their records."""


class Shelf:
    """The file stores of one application.

    >>> Shelf().named("covers")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: there is no file store 'covers'; add it with app.add_files('covers', url)
    """

    def __init__(self) -> None:
        self._stores: dict[str, FileStore] = {INSIDE: InsideFiles("record")}

    def add(self, store: FileStore) -> None:
        """Take one more. Raises DeclarationError where its name is taken."""
        if store.name in self._stores:
            raise DeclarationError(f"there is already a file store {store.name!r}")
        self._stores[store.name] = store

    def named(self, name: str) -> FileStore:
        """Return the store of this name. Raises DeclarationError where there is none."""
        found = self._stores.get(name)
        if found is None:
            raise DeclarationError(f"there is no file store {name!r}; add it with app.add_files({name!r}, url)")
        return found

    def __iter__(self) -> Iterator[FileStore]:
        return iter([store for name, store in self._stores.items() if name != INSIDE])

    def in_memory(self) -> Shelf:
        """Return a shelf whose stores have the same names and lie in memory, for tests."""
        made = Shelf()
        for store in self:
            made.add(MemoryFiles(store.name))
        return made

    async def close(self) -> None:
        """Close all of them."""
        for store in self._stores.values():
            await store.close()


async def store_of(record: Record, field: str) -> FileStore:
    """Return the store with the file in a record's field: that of its session, or of the application of its model.

    Raises StateError where the model belongs to none, or to several. Example: :class:`Shelf`.
    """
    name = type(record).__holdall__.by_name[field].options.codec.store
    track, found = track_of(record), list[FileStore]()
    session = track.session if track is not None else None
    if session is not None:
        found.append(session.file_store(name))
    else:
        async with gateway_of(type(record)) as act:
            found.append(act.session.context.file_store(name))
    return found[0]
