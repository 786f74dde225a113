"""The YAML store: collections as folders of small files, or as one file each, that people edit too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path

from anyio.to_thread import run_sync

from holdall.errors import StoreUnavailable, Unsupported
from holdall.query import AnyQuery, Kind, Op, Schema
from holdall.store import (
    OF_TABLES,
    OF_TRANSACTIONS,
    Capabilities,
    Change,
    CommitClass,
    Description,
    Feature,
    Hold,
    Look,
    Outcome,
    Reservation,
    Rows,
    Seam,
    demand_changes,
    demand_query,
    demand_schema,
    demand_whole_fields,
)
from holdall.stores.yaml.access import FolderAccess
from holdall.stores.yaml.collection import Layout, YamlCollection
from holdall.stores.yaml.counters import Counters
from holdall.stores.yaml.describing import describe
from holdall.stores.yaml.draft import largest_of
from holdall.stores.yaml.errors import disk
from holdall.stores.yaml.fenced import FencedYamlStore
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.inspection import problems
from holdall.stores.yaml.journal import FileEdit, Journal
from holdall.stores.yaml.lock import OWN, Lock
from holdall.stores.yaml.part import draft_part
from holdall.stores.yaml.preparing import Preparing
from holdall.stores.yaml.reservations import Reservations
from holdall.stores.yaml.seen import SeenYamlStore, shown, shown_rows
from holdall.stores.yaml.shelving import Shelving
from holdall.stores.yaml.view import Shelf, View

__all__ = ["YamlStore"]

_CAPABILITIES = Capabilities(
    commit=CommitClass.BATCH,
    features=frozenset(Feature) - OF_TABLES - OF_TRANSACTIONS - {Feature.STREAMS, Feature.AGGREGATES},
    operators=frozenset(Op),
    kinds=frozenset(Kind),
    differences=frozenset({"foreign-key", "key", "unique", "unread", "values"}),
    hold=Hold.RESERVED,
)


class YamlStore(SeenYamlStore, FencedYamlStore):
    """Records in YAML files under one folder; every process that opens the folder works on the same records.

    ``max_file_bytes`` bounds one file (4 MiB for a record, 64 MiB for a collection), ``max_records`` one collection;
    ``lock_timeout`` is how many seconds to wait for another process. A person who edits a record that has a version
    raises the version too, or an edit of the same field made elsewhere meanwhile is not seen as a conflict.
    ``collections`` holds options of single collections.

    Example: :func:`open_yaml`.
    """

    def __init__(
        self,
        name: str,
        root: Path | str,
        *,
        layout: Layout = "record",
        max_file_bytes: int | None = None,
        max_records: int = 100_000,
        lock_timeout: float = 10.0,
        collections: Mapping[str, YamlCollection] | None = None,
    ) -> None:
        self.name = name
        self._seam = Seam(name, "yaml", "yaml")
        self._folder = Folder(Path(root).absolute())
        self._shelving = Shelving(name, self._folder, layout, max_file_bytes, max_records, collections or {})
        self._lock = Lock(name, self._folder, lock_timeout)
        self._journal = Journal(name, self._folder)
        self._reserved = Reservations(name, self._folder)
        self._preparing = Preparing(name, self._folder, self._journal, self._reserved)
        self._shelves: dict[str, Shelf] = {}
        self._access = FolderAccess(name, self._folder, self._lock, self._journal, self._shelves)

    @property
    def capabilities(self) -> Capabilities:
        """Everything but transactions of several calls."""
        return _CAPABILITIES

    @property
    def place(self) -> str:
        """The folder."""
        return f"yaml:{self._folder.root.resolve()}"

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections. Raises Unsupported for names that a file system may take for one."""
        for schema in schemas:
            demand_schema(self.name, _CAPABILITIES, schema)
            demand_whole_fields(self.name, schema)
            own = schema.stored_name
            others = [shelf.schema.stored_name for name, shelf in self._shelves.items() if name != schema.name]
            twin = next((name for name in others if name.lower() == own.lower()), "")
            if twin:
                raise Unsupported(self.name, f"collections named {twin} and {own}", "rename one of them")
            known = self._shelves.get(schema.name)
            if known is None or known.schema != schema:
                self._shelves[schema.name] = self._shelving.shelf(schema, self._shelves)
                self._access.sweep_again()
        self._shelving.demand_options(self._shelves)

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means, of the files as they are now."""
        demand_query(self.name, _CAPABILITIES, query)
        rows = run_sync(self._fetch, query)
        return await rows if self._seam.observer is None else await shown_rows(self._seam, query, rows)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        demand_query(self.name, _CAPABILITIES, query)
        return await run_sync(self._count, query)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch`` as they are at the start, at most ``batch`` at a time."""
        rows = await self.fetch(query)
        for start in range(0, len(rows), batch):
            yield rows[start : start + batch]

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none, also if the process is killed meanwhile."""
        self._demand(changes)
        if not changes:
            return []
        outcomes = run_sync(self._apply, list(changes))
        return await outcomes if self._seam.observer is None else await shown(self._seam, "write", changes, outcomes)

    async def reserve(self, collection: str, count: int) -> Sequence[int]:
        """Reserve ``count`` generated keys that no other caller gets."""
        return await run_sync(self._reserve, collection, count)

    async def hold(self) -> Hold:
        """By reservations."""
        return Hold.RESERVED

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Hold what the changes touch, durably, once contents were written beside the files and removed again."""
        self._demand(changes)
        outcomes = run_sync(self._prepare, reservation, list(changes))
        return await outcomes if self._seam.observer is None else await shown(self._seam, "hold", changes, outcomes)

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        """Write what was prepared and let go of it, also if the process is killed meanwhile; False if it is not held.

        Raises Conflict where the files were changed by hand since.
        """
        self._demand(changes)
        written = run_sync(self._commit_prepared, commit, list(changes))
        return await written if self._seam.observer is None else await shown(self._seam, "write held", changes, written)

    async def roll_back_prepared(self, commit: str) -> None:
        """Let go of what is held under this commit, if anything is."""
        await run_sync(self._roll_back_prepared, commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Let what is held under this commit expire when this reservation says."""
        await run_sync(self._renew_prepared, reservation)

    async def prepared(self) -> list[Reservation]:
        """Everything held in the folder, by whichever process; unreadable parts are listed by their commit."""
        return await run_sync(self._prepared)

    async def create(self) -> None:
        """Create the folder, and a folder for each collection where there is a file per record."""
        await run_sync(self._create)

    async def inspect(self) -> list[str]:
        """Return the faults and differences, a sentence each, references that lead nowhere included."""
        return await run_sync(self._inspect)

    async def obstacles(self) -> list[str]:
        """Of these, what keeps a collection from being used; single records that cannot be read do not."""
        return await run_sync(self._obstacles)

    async def describe(self, look: Look) -> Description:
        """Every collection that the files of the folder can be taken for, by all their records."""
        return await run_sync(self._describe, look)

    async def drop(self, *collections: str) -> None:
        """Remove the files of these collections, or of all that are bound; other files stay."""
        await run_sync(self._drop, collections)

    async def close(self) -> None:
        """Forget what was read; nothing is kept open between calls."""
        with self._access.alone():
            schemas = [shelf.schema for shelf in self._shelves.values()]
            self._shelves.clear()
            self._access.sweep_again()
        self.bind(schemas)

    def _fetch(self, query: AnyQuery) -> Rows:
        with self._access.reading():
            return View(self.name, self._shelves).fetch(query)

    def _count(self, query: AnyQuery) -> int:
        with self._access.reading():
            return View(self.name, self._shelves).count(query)

    def _apply(self, changes: list[Change]) -> list[Outcome]:
        with self._access.writing():
            part = draft_part(self.name, self._folder, self._shelves, changes, self._reserved.waiting())
            self._journal.change([*part.counters, *part.edits])
            return part.outcomes

    def _prepare(self, reservation: Reservation, changes: list[Change]) -> list[Outcome]:
        with self._access.writing():
            return self._preparing.prepare(self._shelves, reservation, changes)

    def _commit_prepared(self, commit: str, changes: list[Change]) -> bool:
        if not self._lock.was_ever_taken:  # then "nothing is held" does not mean that it was written
            raise StoreUnavailable(
                self.name, f"the folder {self._folder.root} has no {OWN}, which every part is held in: is it mounted?"
            )
        with self._access.writing():
            return self._preparing.commit(self._shelves, commit, changes)

    def _roll_back_prepared(self, commit: str) -> None:
        with self._access.writing():
            self._preparing.roll_back(commit)

    def _renew_prepared(self, reservation: Reservation) -> None:
        with self._access.writing():
            self._preparing.renew(reservation)

    def _prepared(self) -> list[Reservation]:
        with self._access.reading():
            return self._reserved.reservations()

    def _reserve(self, collection: str, count: int) -> list[int]:
        with self._access.writing():
            shelf, counters = self._shelves[collection], Counters(self.name, self._folder)
            largest = largest_of(shelf.schema, shelf.keys())
            keys = [counters.next(collection, largest) for _ in range(count)]
            self._journal.change(counters.edits())
            return keys

    def _create(self) -> None:
        with self._access.alone():
            self._folder.root.mkdir(parents=True, exist_ok=True)
            for shelf in self._shelves.values():
                if not shelf.schema.is_read_only:
                    shelf.create()

    def _inspect(self) -> list[str]:
        if missing := self._missing():
            return missing
        with self._access.reading():
            return [*problems(self._shelves), *self._reserved.problems()]

    def _obstacles(self) -> list[str]:
        if missing := self._missing():
            return missing
        with self._access.reading():
            found = [sentence for shelf in self._shelves.values() for sentence in shelf.obstacles()]
            return [*found, *self._reserved.problems()]

    def _describe(self, look: Look) -> Description:
        with disk(self.name, str(self._folder.root)):
            return describe(self._folder, look)

    def _missing(self) -> list[str]:
        with self._access.alone():
            return [] if self._folder.root.is_dir() else [f"folder {self._folder.root} is missing"]

    def _drop(self, collections: Collection[str]) -> None:
        with self._access.alone():
            if not self._folder.root.is_dir():
                return
        with self._access.writing():
            counters = Counters(self.name, self._folder)
            written: dict[str, FileEdit] = {}
            for name, shelf in self._shelves.items():
                if shelf.schema.is_read_only or (collections and name not in collections):
                    continue
                written.update({edit.place: edit for edit in shelf.drop(written)})
                counters.forget(name)
            held = [] if collections else self._reserved.within(self._shelves)
            edits = [*map(self._reserved.let_go, held), *([] if collections else self._dropped_identity())]
            if edits := [*counters.edits(), *written.values(), *edits]:
                self._journal.change(edits)

    def _demand(self, changes: Sequence[Change]) -> None:
        demand_changes(self.name, {name: shelf.schema for name, shelf in self._shelves.items()}, list(changes))
