"""A collection as one file that lists its records: the rows in memory, kept in step with the file."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from typing import Any

from holdall.errors import CorruptRecord
from holdall.query import Schema
from holdall.stores.yaml.bounds import Bounds, Growth
from holdall.stores.yaml.errors import Misfit, Unreadable
from holdall.stores.yaml.files import Folder, Signature
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.listing import changed_list, rows_of
from holdall.stores.yaml.names import EXTENSION, safe_name
from holdall.stores.yaml.parse import decode_text
from holdall.stores.yaml.record import Row

__all__ = ["CollectionFile"]

_NOTHING = Growth()


class CollectionFile:
    """One collection, used under the store's lock. Methods raise CorruptRecord, LimitExceeded and OSError."""

    def __init__(self, store: str, folder: Folder, schema: Schema, bounds: Bounds) -> None:
        self.schema = schema
        self.place = safe_name(schema.name) + EXTENSION
        self._store = store
        self._folder = folder
        self._bounds = bounds
        self._signature: Signature | None = None
        self._text = ""
        self._rows: dict[Any, Row] = {}
        self._expected: tuple[str, dict[Any, Row]] = ("", {})  # what the last edit will have made of the file

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in which files are staged."""
        return ("",)

    def rows(self) -> Mapping[Any, Row]:
        """Every row under its key, as the file now says."""
        try:
            status = self._folder.status(self.place)
            if self._signature is None or not self._signature.covers(status):
                self._load()
        except FileNotFoundError:
            self._folder.entries("")  # a missing root is an error, a missing file is an empty collection
            self._signature, self._text, self._rows = None, "", {}
            return self._rows
        return self._rows

    def row(self, key: Any) -> Row | None:
        """One row."""
        return self.rows().get(key)

    def edits(self, changed: Mapping[Any, Row | None], waiting: Growth = _NOTHING) -> tuple[list[FileEdit], Growth]:
        """The file edit that brings about these rows, and the growth; ``rows`` was called right before."""
        positions = {key: position for position, key in enumerate(self._rows)}
        changes = {positions[key]: row for key, row in changed.items() if key in positions}
        added = [row for key, row in changed.items() if key not in positions and row is not None]
        if not changes and not added:
            return [], _NOTHING
        text = changed_list(self.schema, self._text, list(self._rows.values()), changes, added)
        kept = {key: row for key, row in self._rows.items() if changed.get(key, row) is not None}
        self._expected = (text, {**kept, **{key: row for key, row in changed.items() if row is not None}})
        growth = Growth(len(self._expected[1]) - len(self._rows), len(text.encode()) - len(self._text.encode()))
        content = self._bounds.bounded(text, waiting.bytes if growth.bytes > 0 else 0)
        records = len(self._expected[1])
        self._bounds.demand_room(self.schema.name, records, waiting.records if growth.records > 0 else 0)
        return [FileEdit(self.place, content)], growth

    def problems(self) -> list[str]:
        """What does not fit the schema, a sentence each."""
        folder = self.place.removesuffix(EXTENSION)
        found = [f'{folder} is not read: it belongs to the layout "record"'] if self._folder.exists(folder) else []
        try:
            status = self._folder.status(self.place)
        except FileNotFoundError:
            return found  # an empty collection
        if not stat.S_ISREG(status.st_mode):
            return [*found, f"{self.place} is not a plain file"]
        try:
            self.rows()
        except CorruptRecord as error:
            return [*found, f"{error.place}: {error.reason}"]
        return found

    def create(self) -> None:
        """Nothing to do: the first record makes the file, and without it the collection is empty."""

    def drop(self) -> None:
        """Remove the file."""
        self._folder.remove(self.place)

    def _load(self) -> None:
        self._signature = None
        try:
            raw, signature = self._folder.read(self.place, self._bounds.max_file_bytes)
            text = decode_text(raw)
            for known, rows_by_key in ((self._text, self._rows), self._expected):
                if text == known:
                    self._signature, self._text, self._rows = signature, known, rows_by_key
                    return
            rows = rows_of(self.schema, text)
        except (Misfit, Unreadable) as error:
            raise CorruptRecord(self._store, self.place, str(error)) from error
        self._bounds.demand_room(self.schema.name, len(rows))
        by_key = {self.schema.key_of(row): row for row in rows}
        if len(by_key) < len(rows):
            raise CorruptRecord(self._store, self.place, _twice(self.schema, rows))
        self._signature, self._text, self._rows = signature, text, by_key


def _twice(schema: Schema, rows: list[Row]) -> str:
    seen: dict[Any, int] = {}
    for position, row in enumerate(rows):
        first = seen.setdefault(schema.key_of(row), position)
        if first != position:
            return f"[{position}] has the same key as [{first}]; remove one"
    return "two records have the same key"
