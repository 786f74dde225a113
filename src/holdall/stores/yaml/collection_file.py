"""A collection as one file, or a part of one: the rows in memory, kept in step with the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from holdall.errors import CorruptRecord
from holdall.query import Key, Schema
from holdall.store import Difference
from holdall.stores.yaml.bounds import Bounds, Growth
from holdall.stores.yaml.collection import YamlCollection
from holdall.stores.yaml.damage import Damage, damaged_reason, is_damaged
from holdall.stores.yaml.errors import Misfit, Unreadable, from_disk, uneditable
from holdall.stores.yaml.files import Folder, Signature
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.listing import Listing
from holdall.stores.yaml.names import EXTENSIONS, safe_name
from holdall.stores.yaml.record import Row
from holdall.stores.yaml.section import Section, SectionPlace
from holdall.stores.yaml.source import decoded

__all__ = ["CollectionFile"]

_USUAL = YamlCollection()


class _Known(msgspec.Struct, frozen=True):
    text: str
    listing: Listing | Section
    rows: dict[Key, Row]  # those that can be read
    positions: dict[Key, int]  # of every row whose key can be
    damages: list[Damage]


class CollectionFile:
    """One collection, used under the store's lock. Methods raise CorruptRecord, LimitExceeded and OSError."""

    def __init__(
        self, store: str, folder: Folder, schema: Schema, bounds: Bounds, options: YamlCollection = _USUAL
    ) -> None:
        self.schema = schema
        self._options = options
        is_mapping = options.layout == "mapping"
        self._section = SectionPlace(options.steps, is_mapping, options.value) if is_mapping or options.at else None
        named = options.file.rpartition(".")
        self.stem, self._extensions = safe_name(schema.stored_name), tuple[str, ...](EXTENSIONS)
        if options.file:
            self.stem, self._extensions = named[0], (f".{named[2]}",)
        self.place = self.stem + self._extensions[0]
        self._store = store
        self._folder = folder
        self._bounds = bounds
        self._forget()
        self._expected = self._known  # what the last edit will have made of the file

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in which files are staged."""
        return (self.place.rpartition("/")[0],)

    @property
    def section(self) -> tuple[str, tuple[str, ...]]:
        """The file, in lower case and without its end, and the way to the records in it."""
        return self.stem.lower(), self._options.steps

    def rows(self) -> Mapping[Key, Row]:
        """Every row under its key, as the file now says."""
        status = None
        for place in (self.stem + extension for extension in self._extensions):
            try:
                found = self._folder.status(place)
            except FileNotFoundError:
                continue
            if status is not None:
                raise CorruptRecord(self._store, place, f"{self.place} is there, too; put all records into one of them")
            status, self.place = found, place
        if status is None:
            self._folder.entries(self.folders[0])  # a missing root is an error, a missing file is an empty collection
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

    def edits(
        self,
        changed: Mapping[Key, Row | None],
        waiting: Growth,
        written: Mapping[str, FileEdit],
        moved: Mapping[Key, Key],
    ) -> tuple[list[FileEdit], Growth]:
        """The file edit that brings about these rows, and the growth; ``rows`` was called right before."""
        earlier, base = written.get(self.place), self._known
        if earlier is not None:  # another collection of the same file
            text = (earlier.content or b"").decode()
            base = self._keyed(text, self._listing(text))
        positions = base.positions
        if moved := {key: origin for key, origin in moved.items() if key not in positions and origin in positions}:
            gone = set(moved.values())
            changed = {moved.get(key, key): row for key, row in changed.items() if key not in gone}
        changes = {positions[key]: row for key, row in changed.items() if key in positions}
        added = [row for key, row in changed.items() if key not in positions and row is not None]
        if not changes and not added:
            return [], Growth()
        try:
            text, listing = base.listing.changed(changes, added)
            self._expected = self._keyed(text, listing)
        except (Misfit, Unreadable) as error:
            raise uneditable(self._store, self.place, error) from error
        records = len(listing.rows)
        growth = Growth(records - len(base.listing.rows), len(text.encode()) - len(base.text.encode()))
        content = self._bounds.bounded(text, waiting.bytes if growth.bytes > 0 else 0, is_whole=True)
        self._bounds.demand_room(self.schema.name, records, waiting.records if growth.records > 0 else 0)
        before = None if self._signature is None else self._signature.facts
        before = earlier.before if earlier is not None else before
        return [FileEdit(self.place, content, before)], growth

    def obstacles(self) -> list[str]:
        """The faults that keep the collection from being used, a sentence each."""
        try:
            self.rows()
        except CorruptRecord as error:
            return [Difference(f"{error.place}: {error.reason}", "values", self.schema.name)]
        return []

    def problems(self) -> list[str]:
        """The differences from the schema, a sentence each."""
        is_other = not self._options.file and self._folder.exists(self.stem)
        told = f'{self.stem} is not read: it belongs to the layout "record"'
        found: list[str] = [Difference(told, "unread", self.schema.name)] if is_other else []
        if obstacles := self.obstacles():
            return [*found, *obstacles]
        sentences = [f"{damage.place}: {damage.reason}" for damage in self._known.damages]
        return [*found, *(Difference(each, "values", self.schema.name) for each in sentences)]

    def create(self) -> None:
        """Create the folders of the file; the first record makes it, and without it the collection is empty."""
        parts = self.place.split("/")[:-1]
        for depth in range(len(parts)):
            self._folder.make("/".join(parts[: depth + 1]))

    def drop(self, written: Mapping[str, FileEdit]) -> list[FileEdit]:
        """Remove the file; of one that holds more than these records, return the edit that removes them."""
        if self._options.at:
            return (
                self.edits(dict.fromkeys(self.keys()), Growth(), written, {})[0]
                if self._folder.exists(self.place)
                else []
            )
        for extension in self._extensions:
            self._folder.remove(self.stem + extension)
        self._forget()
        return []

    def _forget(self) -> None:
        self.place = self.stem + self._extensions[0]
        self._signature: Signature | None = None
        self._known = _Known("", self._listing(""), {}, {}, [])

    def _listing(self, text: str) -> Listing | Section:
        if self._section is not None:
            return Section(self.schema, self._section, text)
        return Listing.of(self.schema, text)

    def _load(self) -> None:
        self._signature = None
        try:
            raw, signature = self._folder.read(self.place, self._bounds.max_file_bytes)
            text = decoded(raw)
            known = next((known for known in (self._known, self._expected) if known.text == text), None)
            if known is None:
                known = self._keyed(text, self._listing(text))
        except FileNotFoundError:
            raise  # removed a moment ago
        except OSError as error:
            raise from_disk(self._store, self.place, error) from error
        except (Misfit, Unreadable) as error:
            raise CorruptRecord(self._store, self.place, str(error)) from error
        self._bounds.demand_room(self.schema.name, len(known.listing.rows))
        self._signature, self._known = signature, known

    def _keyed(self, text: str, listing: Listing | Section) -> _Known:
        """The rows of a listing by their keys. Raises Misfit where two are the same."""
        known = _Known(text, listing, {}, {}, [])
        for position, row in enumerate(listing.rows):
            key = self.schema.key_of(row)
            if is_damaged(row):
                known.damages.append(
                    Damage(self.place, f"{listing.label(position)}.{damaged_reason(self.schema, row)}", row)
                )
                if is_damaged(key if isinstance(key, tuple) else (key,)):
                    continue
            else:
                known.rows[key] = row
            first = known.positions.setdefault(key, position)
            if first != position:
                raise Misfit(f"{listing.label(position)} has the same key as {listing.label(first)}; remove one")
        return known
