"""A collection as a folder with a file per record: the rows in memory, kept in step with the files.

A file's name tells its record's key, so that a file is read only when its record is asked for, and one that cannot be
read keeps nobody from the others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from holdall.query import Key, Schema
from holdall.store import Difference
from holdall.stores.yaml.bounds import Bounds, Growth
from holdall.stores.yaml.damage import Damage, damaged_row
from holdall.stores.yaml.files import Facts, Folder, Signature, signature_of
from holdall.stores.yaml.journal import UNKNOWN, FileEdit
from holdall.stores.yaml.names import safe_name
from holdall.stores.yaml.record import Row
from holdall.stores.yaml.record_file import FileState, RecordFile

__all__ = ["RecordFiles"]


class RecordFiles:
    """One collection, used under the store's lock. Methods raise StoreError and OSError."""

    def __init__(self, file: RecordFile, folder: Folder, schema: Schema, bounds: Bounds) -> None:
        self.schema = schema
        self.folder_name = safe_name(schema.stored_name)
        self._file = file
        self._folder = folder
        self._bounds = bounds
        self._directory: Signature | None = None
        self._states: dict[str, FileState] = {}  # by the file's name
        self._names: dict[Key, str] = {}
        self._twins: dict[Key, str] = {}  # a second file of a key
        self._rows: dict[Key, Row] | None = None

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in which files are staged."""
        return (self.folder_name,)

    def damages(self) -> Sequence[Damage]:
        """The records that cannot be read; ``rows`` was called right before."""
        if self._rows is not None and len(self._rows) == len(self._states):
            return ()
        found = [self._row_of(name, state) for name, state in sorted(self._states.items())]
        return [row for row in found if isinstance(row, Damage)]

    def rows(self) -> Mapping[Key, Row]:
        """Every row that can be read under its key, as the files now say."""
        self._scan()
        if self._rows is None:
            self._rows = {
                state.key: state.row
                for _, state in sorted(self._states.items())
                if state.row is not None and state.key not in self._twins
            }
        return self._rows

    def row(self, key: Key) -> Row | Damage | None:
        """One row, or what is known of it where it cannot be read; no file but its own is looked at."""
        self._list()
        name = self._names.get(key)
        if name is None:
            return None
        state = self._states[name]
        try:
            status = self._folder.status(self._file.place(name))
            if state.signature is None or not state.signature.covers(status):
                state = self._take(name, status)
        except FileNotFoundError:
            return None
        return self._row_of(name, state) if state.key == key else self._moved(key)

    def keys(self) -> Collection[Key]:
        """The keys of all files, as their names tell."""
        self._list()
        return self._names.keys()

    def edits(
        self,
        changed: Mapping[Key, Row | None],
        waiting: Growth,
        written: Mapping[str, FileEdit],
        moved: Mapping[Key, Key],
    ) -> tuple[list[FileEdit], Growth]:
        """The file edits that bring about these rows, and the growth; the rows were read right before."""
        edits: list[FileEdit] = []
        before: Facts | None
        gone = sum(row is None and key in self._names for key, row in changed.items())
        new = sum(row is not None and key not in self._names for key, row in changed.items())
        self._bounds.demand_room(self.schema.name, len(self._names) + new - gone, waiting.records if new > gone else 0)
        taken = {name.lower() for name in self._states} if new else set()
        for key, row in changed.items():
            name = self._names.get(key)
            if row is None:
                if name is not None:
                    signature = self._states[name].signature
                    before = UNKNOWN if signature is None else signature.facts
                    edits.append(FileEdit(self._file.place(name), None, before))
                continue
            before = None
            if name is None:
                name = self._file.new_name(row, taken)
                taken.add(name.lower())
                text = self._new_text(row, self._names.get(moved.get(key)))
            else:
                text, before = self._file.changed(name, self._states[name], row)
            edits.append(FileEdit(self._file.place(name), self._bounds.bounded(text), before))
        return edits, Growth(new - gone)

    def _new_text(self, row: Row, origin: str | None) -> str:
        """The text of a new file: that of the file of this name with another row, where there is one."""
        if origin is None:
            return self._file.new_text(row)
        return self._file.changed(origin, self._states[origin], row)[0]

    def obstacles(self) -> list[str]:
        """The faults that keep the collection from being used, a sentence each."""
        try:
            status = self._folder.status(self.folder_name)
        except FileNotFoundError:
            return [self._told("missing-table", f"folder {self.folder_name} is missing")]
        is_folder = stat.S_ISDIR(status.st_mode)
        return [] if is_folder else [self._told("kind", f"{self.folder_name} is not a folder")]

    def _told(self, code: str, sentence: str) -> str:
        return Difference(sentence, code, self.schema.name)

    def problems(self) -> list[str]:
        """The differences from the schema, a sentence each."""
        if obstacles := self.obstacles():
            return obstacles
        self._scan()
        found = [
            self._told("unread", f'{self.folder_name}{extension} is not read: it belongs to the layout "collection"')
            for extension in self._file.extensions
            if self._folder.exists(self.folder_name + extension)
        ]
        states = sorted(self._states.items())
        broken = [(self._file.place(name), state.reason) for name, state in states if state.reason]
        found += [self._told("values", f"{place}: {reason}") for place, reason in broken]
        twins = [(self._file.place(name), self._file.place(self._names[key])) for key, name in self._twins.items()]
        found += [self._told("key", f"{second}: {first} has the same key; remove one") for second, first in twins]
        for name, _ in sorted(self._folder.entries(self.folder_name)):
            if not name.startswith(".") and name not in self._states:
                told = f"{self._file.place(name)}: it is not a {self._file.extensions[0]} file and is not read"
                found.append(self._told("unread", told))
        return found

    def create(self) -> None:
        """Create the folder if it is missing."""
        self._folder.make(self.folder_name)

    def drop(self, written: Mapping[str, FileEdit]) -> list[FileEdit]:
        """Remove the record files, and the folder if nothing else is in it."""
        for name, _ in self._folder.entries(self.folder_name):
            if self._file.is_record(name):
                self._folder.remove(self._file.place(name))
        with suppress(OSError):  # it is gone already, or holds what is not ours
            os.rmdir(self._folder.root / self.folder_name)
        return []

    def _row_of(self, name: str, state: FileState) -> Row | Damage:
        if state.key in self._twins:
            first, second = self._names[state.key], self._twins[state.key]
            reason = f"{self._file.place(first)} has the same key; remove one"
            return Damage(
                self._file.place(second), reason, damaged_row(self.schema, None, self._file.told(name), reason)
            )
        return Damage(self._file.place(name), state.reason, state.damaged) if state.row is None else state.row

    def _moved(self, key: Key) -> Row | Damage | None:
        """Return the row of a key that was in its file, not in its name, and is gone from there now."""
        self._directory = None
        return self.row(key)

    def _list(self) -> None:
        """Learn which files there are, if any came or went."""
        try:
            status = self._folder.status(self.folder_name)
        except FileNotFoundError:
            self._folder.entries(self.folder_name)  # a missing root is an error, a missing folder is empty
            self._directory, self._states = None, {}
            self._index()
            return
        if self._directory is None or not self._directory.covers(status):
            self._directory = signature_of(status)
            entries = [
                (name, status) for name, status in self._folder.entries(self.folder_name) if self._file.is_record(name)
            ]
            self._bounds.demand_room(self.schema.name, len(entries))
            states, self._states = self._states, {}
            for name, _ in entries:
                self._states[name] = states.get(name) or self._file.named(name)
            self._refresh([(name, status) for name, status in entries if self._states[name].key is None])
            self._index()

    def _scan(self) -> None:
        """Read every file that is not known as it is now."""
        self._list()
        if self._states and self._refresh(self._folder.entries(self.folder_name)):
            self._index()

    def _refresh(self, entries: Sequence[tuple[str, os.stat_result]]) -> bool:
        """Read those of the files that are not known as they are now; says whether a key came or went."""
        is_other = False
        for name, status in entries:
            state = self._states.get(name)
            if state is not None and (state.signature is None or not state.signature.covers(status)):
                try:
                    is_other |= self._take(name, status).key != state.key
                except FileNotFoundError:
                    del self._states[name]  # removed a moment ago
                    is_other = True
        return is_other

    def _index(self) -> None:
        self._rows, self._names, self._twins = None, {}, {}
        for name, state in sorted(self._states.items()):
            if state.key is not None and self._names.setdefault(state.key, name) != name:
                self._twins[state.key] = name

    def _take(self, name: str, status: os.stat_result) -> FileState:
        """Read a file. Raises FileNotFoundError."""
        old = self._states[name]
        state = self._states[name] = self._file.load(name, status, old)
        if state.row is not old.row:
            self._rows = None
        return state
