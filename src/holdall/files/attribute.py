"""The descriptor of fields with files: reading gives a File that knows its record."""

from __future__ import annotations

from holdall.files.file import File
from holdall.model import MutableAttribute, Record, session_of
from holdall.query import Value

__all__ = ["FileAttribute", "FilesAttribute"]


class FilesAttribute(MutableAttribute):
    """Stands in front of a list of Files, each of which is given its store, and no record, when the list is read."""

    __slots__ = ()

    def __init__(self, slot: Value, name: str) -> None:
        super().__init__(slot)

    def __get__(self, record: Record, owner: object) -> Value:
        value = super().__get__(record, owner)
        session = session_of(record) if isinstance(value, list) else None
        if session is not None:
            for file in value:
                body = file.body if isinstance(file, File) else None
                if body is not None and body.store is None and body.origin is not None:
                    body.store = session.file_store(body.origin)
        return value


class FileAttribute:
    """Stands in front of ``slot``, which holds a File of no record, so that no record is held by what is in it."""

    __slots__ = ("_get", "_name", "slot")
    several = FilesAttribute

    def __init__(self, slot: Value, name: str) -> None:
        self.slot = slot
        self._name = name
        self._get = slot.__get__

    def __get__(self, record: Record, owner: object) -> Value:
        if record is None:
            return self
        value = self._get(record)
        return type(value).of(value.body, record, self._name) if isinstance(value, File) else value
