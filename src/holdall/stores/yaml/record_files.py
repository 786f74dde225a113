"""A collection as a folder with a file per record: the rows in memory, kept in step with the files."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

import msgspec

from holdall.errors import CorruptRecord
from holdall.query import Schema
from holdall.stores.yaml.bounds import Bounds, Growth
from holdall.stores.yaml.document import changed_record, new_record
from holdall.stores.yaml.errors import Misfit, Unreadable, from_disk
from holdall.stores.yaml.files import Folder, Signature, signature_of
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.names import EXTENSION, is_shortened, name_of, parts_of, safe_name
from holdall.stores.yaml.parse import decode_text, parse
from holdall.stores.yaml.record import Row, key_of_parts, key_parts, row_of

__all__ = ["RecordFiles"]

_RESERVED = ".yml"
_NOTHING = Growth()


class _State(msgspec.Struct):
    signature: Signature
    key: Any = None
    row: Row | None = None
    reason: str | None = None  # why the file cannot be read
    digest: int = 0  # of the content: a new stamp alone is no reason to read the record again


class RecordFiles:
    """One collection, used under the store's lock. Methods raise CorruptRecord, LimitExceeded and OSError."""

    def __init__(self, store: str, folder: Folder, schema: Schema, bounds: Bounds) -> None:
        self.schema = schema
        self.folder_name = safe_name(schema.name)
        self._store = store
        self._folder = folder
        self._bounds = bounds
        self._states: dict[str, _State] = {}
        self._directory: Signature | None = None
        self._rows: dict[Any, Row] | None = None
        self._names: dict[Any, str] = {}

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in which files are staged."""
        return (self.folder_name,)

    def rows(self) -> Mapping[Any, Row]:
        """Every row under its key, as the files now say."""
        self._scan()
        if self._rows is None:
            rows: dict[Any, Row] = {}
            for name, state in sorted(self._states.items()):
                if state.row is None:
                    raise CorruptRecord(self._store, self._place(name), state.reason or "")
                if state.key in rows:
                    other = self._place(self._names[state.key])
                    raise CorruptRecord(self._store, self._place(name), f"{other} has the same key; remove one")
                rows[state.key] = state.row
            self._rows = rows
        return self._rows

    def row(self, key: Any) -> Row | None:
        """One row, looking only at its own file where no file came or went."""
        try:
            is_same = self._directory is not None and self._directory.covers(self._folder.status(self.folder_name))
        except FileNotFoundError:
            is_same = False
        if not is_same:
            self._scan()
        name = self._names.get(key)
        if name is None:
            return None
        state = self._states[name]
        if is_same:
            try:
                status = self._folder.status(self._place(name))
                if not state.signature.covers(status):
                    state = self._load(name, status, state)
            except FileNotFoundError:
                return None
            if state is not self._states[name]:
                self._states[name] = state
                self._rows = None
                if state.key != key:
                    self._directory = None
                    return self.row(key) if state.row is not None else self._refuse(name, state)
        return self._refuse(name, state) if state.row is None else state.row

    def _refuse(self, name: str, state: _State) -> Row:
        raise CorruptRecord(self._store, self._place(name), state.reason or "")

    def edits(self, changed: Mapping[Any, Row | None], waiting: Growth = _NOTHING) -> tuple[list[FileEdit], Growth]:
        """The file edits that bring about these rows, and the growth; ``rows`` was called right before."""
        edits = []
        gone = sum(row is None and key in self._names for key, row in changed.items())
        new = sum(row is not None and key not in self._names for key, row in changed.items())
        self._bounds.demand_room(self.schema.name, len(self._names) + new - gone, waiting.records if new > gone else 0)
        taken = {name.lower() for name in self._states}
        for key, row in changed.items():
            name = self._names.get(key)
            if row is None:
                if name is not None:
                    edits.append(FileEdit(self._place(name), None))
                continue
            if name is None:
                name = self._new_name(row, taken)
                taken.add(name.lower())
                text = new_record(self.schema, row)
            else:
                raw, _ = self._folder.read(self._place(name), self._bounds.max_file_bytes)
                old = self._states[name].row
                text = changed_record(self.schema, decode_text(raw), old or (), row)
            edits.append(FileEdit(self._place(name), self._bounds.bounded(text)))
        return edits, Growth(new - gone)

    def problems(self) -> list[str]:
        """What does not fit the schema, a sentence each."""
        try:
            status = self._folder.status(self.folder_name)
        except FileNotFoundError:
            return [f"folder {self.folder_name} is missing"]
        if not stat.S_ISDIR(status.st_mode):
            return [f"{self.folder_name} is not a folder"]
        self._scan()
        found = []
        if self._folder.exists(self.folder_name + EXTENSION):
            found.append(f'{self.folder_name}{EXTENSION} is not read: it belongs to the layout "collection"')
        found += [
            f"{self._place(name)}: {state.reason}" for name, state in sorted(self._states.items()) if state.reason
        ]
        by_key: dict[Any, str] = {}
        for name, state in sorted(self._states.items()):
            if state.row is not None and by_key.setdefault(state.key, name) != name:
                found.append(f"{self._place(name)}: {self._place(by_key[state.key])} has the same key")
        for name, _ in sorted(self._folder.entries(self.folder_name)):
            if not name.startswith(".") and name not in self._states:
                found.append(f"{self._place(name)}: it is not a {EXTENSION} file and is not read")
        return found

    def create(self) -> None:
        """Create the folder if it is missing."""
        self._folder.make(self.folder_name)

    def drop(self) -> None:
        """Remove the record files, and the folder if nothing else is in it."""
        for name, _ in self._folder.entries(self.folder_name):
            if _is_record(name):
                self._folder.remove(self._place(name))
        try:
            os.rmdir(self._folder.root / self.folder_name)
        except OSError:
            return  # it is gone already, or holds what is not ours

    def _place(self, name: str) -> str:
        return f"{self.folder_name}/{name}"

    def _scan(self) -> None:
        try:
            self._directory = signature_of(self._folder.status(self.folder_name))
        except FileNotFoundError:
            self._directory = None
        entries = [(name, status) for name, status in self._folder.entries(self.folder_name) if _is_record(name)]
        self._bounds.demand_room(self.schema.name, len(entries))
        states, is_changed = {}, len(entries) != len(self._states)
        for name, status in entries:
            state = self._states.get(name)
            if state is None or not state.signature.covers(status):
                old = state
                try:
                    state = self._load(name, status, old)
                except FileNotFoundError:
                    is_changed = True
                    continue
                is_changed = is_changed or old is None or state.row is None or old.row is not state.row
            states[name] = state
        self._states = states
        if is_changed or self._rows is None:
            self._rows = None
            self._names = {
                state.key: name for name, state in sorted(states.items(), reverse=True) if state.key is not None
            }

    def _load(self, name: str, status: os.stat_result, old: _State | None) -> _State:
        signature = signature_of(status)
        if name.endswith(_RESERVED):
            return _State(signature, reason=f"its name ends in {_RESERVED}; rename it to end in {EXTENSION}")
        key = None
        stem = name.removesuffix(EXTENSION)
        try:
            expected = None if is_shortened(stem) else key_of_parts(self.schema, parts_of(stem))
            if expected is not None:
                key = next(iter(expected.values())) if len(expected) == 1 else tuple(expected.values())
            if stat.S_ISLNK(status.st_mode):
                raise Unreadable("it is a symbolic link; put the file itself there")
            raw, signature = self._read(name)
            digest = hash(raw)
            if old is not None and old.row is not None and old.digest == digest:
                return _State(signature, key=old.key, row=old.row, digest=digest)
            row = row_of(self.schema, parse(decode_text(raw)), expected)
        except (Misfit, Unreadable, ValueError) as error:
            return _State(signature, key=key, reason=str(error))
        key = self.schema.key_of(row)
        if expected is None and stem not in self._names_of(row):
            return _State(signature, key=key, reason="its name does not belong to the key it holds")
        return _State(signature, key=key, row=row, digest=digest)

    def _read(self, name: str) -> tuple[bytes, Signature]:
        place = self._place(name)
        try:
            return self._folder.read(place, self._bounds.max_file_bytes)
        except FileNotFoundError:
            raise  # removed a moment ago: the caller goes on without it
        except OSError as error:
            raise from_disk(self._store, place, error) from error

    def _names_of(self, row: Row) -> tuple[str, str]:
        parts = key_parts(self.schema, row)
        return name_of(parts), name_of(parts, is_escaped=True)

    def _new_name(self, row: Row, taken: set[str]) -> str:
        plain, escaped = self._names_of(row)
        return (plain if (plain + EXTENSION).lower() not in taken else escaped) + EXTENSION


def _is_record(name: str) -> bool:
    return not name.startswith(".") and name.endswith((EXTENSION, _RESERVED))
