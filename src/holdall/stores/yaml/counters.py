"""The counters of generated keys: the largest key a collection has ever had, so that no key is given out twice.

The file holds the key by the collection's name, and the number of the file's format beside them. A file without a
number is of format 1.
"""

from __future__ import annotations

import msgspec

from holdall.errors import CorruptRecord, UnknownFormat
from holdall.store import UNDECODABLE
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.lock import OWN

__all__ = ["Counters"]

_PLACE = f"{OWN}/counters.json"
_LARGEST = 2**20
_NUMBER = "holdall_format"
_COUNTERS_FORMAT = 1


class _Numbered(msgspec.Struct, frozen=True, rename={"format": _NUMBER}):
    format: int = _COUNTERS_FORMAT


class Counters:
    """Read once under the exclusive lock; ``edit`` writes what changed together with the records."""

    def __init__(self, store: str, folder: Folder) -> None:
        try:
            raw, _ = folder.read(_PLACE, _LARGEST)
            number = msgspec.json.decode(raw, type=_Numbered).format
            if number != _COUNTERS_FORMAT:
                raise UnknownFormat(store, _PLACE, number, _COUNTERS_FORMAT)
            self._last = msgspec.json.decode(raw, type=dict[str, int])
            self._last.pop(_NUMBER, None)
        except FileNotFoundError:
            self._last = {}
        except UNDECODABLE as error:
            raise CorruptRecord(
                store, _PLACE, f"remove it and counting goes on from the keys in use: {error}"
            ) from error
        self._before = dict(self._last)

    def next(self, collection: str, largest: int) -> int:
        """A key no record of the collection has had; ``largest`` is the largest in use."""
        key = max(self._last.get(collection, 0), largest) + 1
        self._last[collection] = key
        return key

    def saw(self, collection: str, key: int) -> None:
        """This key was used or is given up."""
        if key > self._last.get(collection, 0):
            self._last[collection] = key

    def forget(self, collection: str) -> None:
        """The collection is dropped."""
        self._last.pop(collection, None)

    def edits(self) -> list[FileEdit]:
        """The file edit that keeps the counters, if any moved."""
        if self._last == self._before:
            return []
        content = {_NUMBER: _COUNTERS_FORMAT, **self._last}
        return [FileEdit(_PLACE, msgspec.json.encode(content, order="sorted") + b"\n")]
