"""How much a folder may hold before the store refuses it."""

from __future__ import annotations

import msgspec

from holdall.errors import LimitExceeded

__all__ = ["HIDDEN", "Bounds", "Growth"]

HIDDEN = "holdall_"  # what Holdall keeps for itself: how much that is is no choice of those who set the bounds
_HIDDEN_BYTES = 256 * 2**20


class Growth(msgspec.Struct, frozen=True):
    """By how much a part that waits for its commit will make a collection larger."""

    records: int = 0
    bytes: int = 0  # of its file, where it is one

    def __add__(self, other: Growth) -> Growth:
        """Both together; one that shrinks makes no room before it is written."""
        return Growth(self.records + max(0, other.records), self.bytes + max(0, other.bytes))


class Bounds(msgspec.Struct, frozen=True):
    """The bounds of one collection."""

    max_file_bytes: int
    max_records: int | None

    def of(self, collection: str) -> Bounds:
        """These bounds, or those of a collection that Holdall keeps for itself: its records are not counted."""
        if not collection.startswith(HIDDEN):
            return self
        return Bounds(max(self.max_file_bytes, _HIDDEN_BYTES), None)

    def demand_room(self, collection: str, records: int, waiting: int = 0) -> None:
        """Raise LimitExceeded for more records than a collection may have, those that wait counted."""
        if self.max_records is not None and records + waiting > self.max_records:
            what = f"records in {collection}" + (f", {waiting} of commits under way included" if waiting else "")
            raise LimitExceeded(what, self.max_records, "raise the store's limit", is_of_store=True)

    def bounded(self, text: str, waiting: int = 0, *, is_whole: bool = False) -> bytes:
        """The text as bytes of a file. Raises LimitExceeded where reading it, and what waits, would be refused.

        ``is_whole`` if the file has all records of a collection.
        """
        content = text.encode()
        if len(content) + waiting > self.max_file_bytes:
            what = "bytes in one file" + (f", {waiting} of commits under way included" if waiting else "")
            advice = "store less, or raise the store's limit"
            raise LimitExceeded(what, self.max_file_bytes, advice, is_of_store=is_whole)
        return content
