"""A collection as one file that lists its records: the rows in memory, kept in step with the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from holdall.errors import CorruptRecord
from holdall.query import Key, Schema
from holdall.stores.yaml.bounds import Bounds, Growth
from holdall.stores.yaml.damage import Damage, damaged_reason, is_damaged
from holdall.stores.yaml.errors import Misfit, Unreadable, from_disk, uneditable
from holdall.stores.yaml.files import Folder, Signature
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.listing import Listing
from holdall.stores.yaml.names import EXTENSION, EXTENSIONS, safe_name
from holdall.stores.yaml.record import Row
from holdall.stores.yaml.source import decoded

__all__ = ["CollectionFile"]


class _Known(msgspec.Struct, frozen=True):
    text: str
    listing: Listing
    rows: dict[Key, Row]  # those that can be read
    positions: dict[Key, int]  # of every row whose key can be
    damages: list[Damage]


class CollectionFile:
    """One collection, used under the store's lock. Methods raise CorruptRecord, LimitExceeded and OSError."""

    def __init__(self, store: str, folder: Folder, schema: Schema, bounds: Bounds) -> None:
        self.schema = schema
        self.stem = safe_name(schema.name)
        self.place = self.stem + EXTENSION
        self._store = store
        self._folder = folder
        self._bounds = bounds
        self._forget()
        self._expected = self._known  # what the last edit will have made of the file

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in which files are staged."""
        return ("",)

    def rows(self) -> Mapping[Key, Row]:
        """Every row under its key, as the file now says."""
        status = None
        for place in (self.stem + extension for extension in EXTENSIONS):
            try:
                found = self._folder.status(place)
            except FileNotFoundError:
                continue
            if status is not None:
                raise CorruptRecord(self._store, place, f"{self.place} is there, too; put all records into one of them")
            status, self.place = found, place
        if status is None:
            self._folder.entries("")  # a missing root is an error, a missing file is an empty collection
            self._forget()
        elif self._signature is None or not self._signature.covers(status):
            try:
                self._load()
            except FileNotFoundError:
                self._forget()
        return self._known.rows

    def damages(self) -> Sequence[Damage]:
        """The records that cannot be read; ``rows`` was called right before."""
        return self._known.damages

    def row(self, key: Key) -> Row | Damage | None:
        """One row, or what is known of it where it cannot be read."""
        row = self.rows().get(key)
        if row is None and key in self._known.positions:
            damaged = self._known.listing.rows[self._known.positions[key]]
            return next(damage for damage in self._known.damages if damage.row is damaged)
        return row

    def keys(self) -> Collection[Key]:
        """The keys of all records."""
        self.rows()
        return self._known.positions.keys()

    def edits(self, changed: Mapping[Key, Row | None], waiting: Growth) -> tuple[list[FileEdit], Growth]:
        """The file edit that brings about these rows, and the growth; ``rows`` was called right before."""
        positions = self._known.positions
        changes = {positions[key]: row for key, row in changed.items() if key in positions}
        added = [row for key, row in changed.items() if key not in positions and row is not None]
        if not changes and not added:
            return [], Growth()
        try:
            text, listing = self._known.listing.changed(changes, added)
            self._expected = self._keyed(text, listing)
        except (Misfit, Unreadable) as error:
            raise uneditable(self._store, self.place, error) from error
        records = len(listing.rows)
        growth = Growth(records - len(self._known.listing.rows), len(text.encode()) - len(self._known.text.encode()))
        content = self._bounds.bounded(text, waiting.bytes if growth.bytes > 0 else 0)
        self._bounds.demand_room(self.schema.name, records, waiting.records if growth.records > 0 else 0)
        return [FileEdit(self.place, content)], growth

    def obstacles(self) -> list[str]:
        """The faults that keep the collection from being used, a sentence each."""
        try:
            self.rows()
        except CorruptRecord as error:
            return [f"{error.place}: {error.reason}"]
        return []

    def problems(self) -> list[str]:
        """The differences from the schema, a sentence each."""
        is_other = self._folder.exists(self.stem)
        found = [f'{self.stem} is not read: it belongs to the layout "record"'] if is_other else []
        if obstacles := self.obstacles():
            return [*found, *obstacles]
        return [*found, *(f"{damage.place}: {damage.reason}" for damage in self._known.damages)]

    def create(self) -> None:
        """Nothing to do: the first record makes the file, and without it the collection is empty."""

    def drop(self) -> None:
        """Remove the file."""
        for extension in EXTENSIONS:
            self._folder.remove(self.stem + extension)
        self._forget()

    def _forget(self) -> None:
        self.place = self.stem + EXTENSION
        self._signature: Signature | None = None
        self._known = _Known("", Listing.of(self.schema, ""), {}, {}, [])

    def _load(self) -> None:
        self._signature = None
        try:
            raw, signature = self._folder.read(self.place, self._bounds.max_file_bytes)
            text = decoded(raw)
            known = next((known for known in (self._known, self._expected) if known.text == text), None)
            if known is None:
                known = self._keyed(text, Listing.of(self.schema, text))
        except FileNotFoundError:
            raise  # removed a moment ago
        except OSError as error:
            raise from_disk(self._store, self.place, error) from error
        except (Misfit, Unreadable) as error:
            raise CorruptRecord(self._store, self.place, str(error)) from error
        self._bounds.demand_room(self.schema.name, len(known.listing.rows))
        self._signature, self._known = signature, known

    def _keyed(self, text: str, listing: Listing) -> _Known:
        """The rows of a listing by their keys. Raises Misfit where two are the same."""
        known = _Known(text, listing, {}, {}, [])
        for position, row in enumerate(listing.rows):
            key = self.schema.key_of(row)
            if is_damaged(row):
                known.damages.append(Damage(self.place, f"[{position}].{damaged_reason(self.schema, row)}", row))
                if is_damaged(key if isinstance(key, tuple) else (key,)):
                    continue
            else:
                known.rows[key] = row
            first = known.positions.setdefault(key, position)
            if first != position:
                raise Misfit(f"[{position}] has the same key as [{first}]; remove one")
        return known
