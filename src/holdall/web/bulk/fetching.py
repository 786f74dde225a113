"""Records that a bulk request is about, read with few questions."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors import CorruptRecord
from holdall.model import Record
from holdall.query import Compare, Condition, Key, Op, Or, Query
from holdall.session import Session
from holdall.web.key import KeyText
from holdall.web.view import CollectionView

__all__ = ["Fetched"]

_AT_ONCE, _WHOLE_KEYS = 500, 10  # keys in one question: of one part, of several


class Fetched:
    """The records of some keys. ``is_damaged`` if some that are there could not be read."""

    def __init__(self, keys: KeyText) -> None:
        self._keys = keys
        self._records: dict[str, Record] = {}
        self._new: set[Key] = set()
        self.is_damaged = False

    @classmethod
    async def of(
        cls, session: Session, view: CollectionView, keys: KeyText, wanted: Sequence[Key], *, fresh: bool = False
    ) -> Fetched:
        """Read them. With ``fresh``, those that are in the session take over what their store has."""
        found = cls(keys)
        parts = view.binding.schema.key
        size = _AT_ONCE if len(parts) == 1 else _WHOLE_KEYS
        for start in range(0, len(wanted), size):
            some = wanted[start : start + size]
            condition: Condition = (
                Compare((parts[0],), Op.IN, tuple(some)) if len(parts) == 1 else Or(tuple(map(view.meets, some)))
            )
            try:
                records: list[Record] = await session.query(Query(view.binding.collection, condition), fresh=fresh)
            except CorruptRecord:
                found.is_damaged = True
                continue
            found._records |= {keys.write(record.__key__()): record for record in records}
        return found

    def find(self, key: Key) -> Record | None:
        """The record with this key, if it was read."""
        return self._records.get(self._keys.write(key))

    def is_first(self, key: Key) -> bool:
        """Whether this is the first new record with the key."""
        is_first = key not in self._new
        self._new.add(key)
        return is_first
