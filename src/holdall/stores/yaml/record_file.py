"""The file of one record: its name, which tells the key, its content as a row, and its text with another row."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

import msgspec

from holdall.query import Key, Schema, Value
from holdall.stores.yaml.bounds import Bounds
from holdall.stores.yaml.damage import damaged_row
from holdall.stores.yaml.document import changed_record, new_record
from holdall.stores.yaml.errors import Misfit, Unreadable, from_disk, uneditable
from holdall.stores.yaml.files import Facts, Folder, Signature, signature_of
from holdall.stores.yaml.names import EXTENSIONS, is_shortened, name_of, parts_of, safe_name
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.record import Row, key_of_parts, key_parts, row_of
from holdall.stores.yaml.source import Source, decoded

__all__ = ["FileState", "RecordFile"]


class FileState(msgspec.Struct):
    """The content of a record's file as it was last read."""

    key: Key = None
    signature: Signature | None = None  # None until it is read
    row: Row | None = None
    damaged: Row = ()  # what is known where the file cannot be read
    reason: str = ""  # why it cannot
    digest: int = 0  # of the content: a new stamp alone is no reason to read the record again


class RecordFile:
    """How the files of one collection are named, read and changed; it keeps no state of any of them."""

    def __init__(self, store: str, folder: Folder, schema: Schema, bounds: Bounds) -> None:
        self._store = store
        self._folder = folder
        self._schema = schema
        self._bounds = bounds
        self._folder_name = safe_name(schema.stored_name)

    extensions: tuple[str, ...] = EXTENSIONS
    """What the name of a file may end with; that of a new one ends with the first."""

    def is_record(self, name: str) -> bool:
        """Whether this is the name of a record's file."""
        return not name.startswith(".") and name.endswith(self.extensions)

    def values(self, text: str) -> Value:
        """The value that a file's text stands for. Raises Unreadable and Misfit."""
        return parse(Source(text).text)

    def new_text(self, row: Row) -> str:
        """The text of a new file."""
        return new_record(self._schema, row)

    def changed_text(self, text: str, old: Row, new: Row) -> str:
        """The text of a file with another row. Raises Unreadable and Misfit."""
        return changed_record(self._schema, text, old, new)

    def place(self, name: str) -> str:
        """Where the file of this name is, from the root on."""
        return f"{self._folder_name}/{name}"

    def named(self, name: str) -> FileState:
        """Return the state of a file as far as its name alone shows it."""
        told = self.told(name)
        return FileState(_key(told) if told else None)

    def told(self, name: str) -> dict[str, Value] | None:
        """The values of the key that a file's name tells; None if it does not."""
        try:
            return self._expected(name)
        except (Misfit, ValueError):
            return None

    def _expected(self, name: str) -> dict[str, Value] | None:
        """The values of the key that a file's name tells, if it does. Raises Misfit and ValueError."""
        stem = self._stem(name)
        return None if is_shortened(stem) else key_of_parts(self._schema, parts_of(stem))

    def load(self, name: str, status: os.stat_result, old: FileState) -> FileState:
        """Read a file of which ``old`` was known. Raises FileNotFoundError, or StoreError where the disk refuses."""
        signature, told, values = signature_of(status), self.told(name), None
        key = _key(told) if told else None
        try:
            expected = self._expected(name)
            if stat.S_ISLNK(status.st_mode):
                raise Unreadable("it is a symbolic link; put the file itself there")
            raw, signature = self._read(name)
            digest = hash(raw)
            if old.row is not None and old.digest == digest:
                return FileState(old.key, signature, old.row, digest=digest)
            values = self.values(decoded(raw))
            row = row_of(self._schema, values, expected)
            if expected is None and self._stem(name) not in self._names_of(row):
                values = None
                raise Misfit("its name does not belong to the key it holds")
        except (Misfit, Unreadable, ValueError) as error:
            return FileState(key, signature, None, damaged_row(self._schema, values, told, str(error)), str(error))
        return FileState(self._schema.key_of(row), signature, row, digest=digest)

    def _read(self, name: str) -> tuple[bytes, Signature]:
        place = self.place(name)
        try:
            return self._folder.read(place, self._bounds.max_file_bytes)
        except FileNotFoundError:  # removed a moment ago: the caller goes on without it
            raise
        except PermissionError:
            raise Unreadable("no permission to read it; give this user the rights") from None
        except OSError as error:
            raise from_disk(self._store, place, error) from error

    def changed(self, name: str, state: FileState, row: Row) -> tuple[str, Facts]:
        """The text of a file, known as this, with another row, and the marks of the file that was read for it.

        Raises StoreError where it cannot be edited.
        """
        place = self.place(name)
        try:
            raw, signature = self._folder.read(place, self._bounds.max_file_bytes)
            return self.changed_text(decoded(raw), state.row or state.damaged, row), signature.facts
        except (Misfit, Unreadable) as error:
            raise uneditable(self._store, place, error) from error

    def new_name(self, row: Row, taken: set[str]) -> str:
        """The name of a new record's file, where these names, in lower case, are taken."""
        plain, escaped = self._names_of(row)
        is_free = all((plain + extension).lower() not in taken for extension in self.extensions)
        return (plain if is_free else escaped) + self.extensions[0]

    def _stem(self, name: str) -> str:
        return next((name.removesuffix(each) for each in self.extensions if name.endswith(each)), name)

    def _names_of(self, row: Row) -> tuple[str, str]:
        parts = key_parts(self._schema, row)
        return name_of(parts), name_of(parts, is_escaped=True)


def _key(values: Mapping[str, Value]) -> Key:
    return next(iter(values.values())) if len(values) == 1 else tuple(values.values())
