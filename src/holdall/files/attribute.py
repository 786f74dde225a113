"""The descriptor of fields with files: reading gives a File that knows its record."""

from __future__ import annotations

from holdall.files.file import File
from holdall.model import Record
from holdall.query import Value

__all__ = ["FileAttribute"]


class FileAttribute:
    """Stands in front of ``slot``, which holds a File of no record, so that no record is held by what is in it."""

    __slots__ = ("_get", "_name", "slot")

    def __init__(self, slot: Value, name: str) -> None:
        self.slot = slot
        self._name = name
        self._get = slot.__get__

    def __get__(self, record: Record, owner: object) -> Value:
        if record is None:
            return self
        value = self._get(record)
        return type(value).of(value.body, record, self._name) if isinstance(value, File) else value
