"""How much a folder may hold before the store refuses it."""

from __future__ import annotations

import msgspec

from holdall.errors import LimitExceeded

__all__ = ["Bounds"]

_HIDDEN = "holdall_"  # what Holdall keeps for itself: how much that is is no choice of those who set the bounds
_HIDDEN_BYTES = 256 * 2**20


class Bounds(msgspec.Struct, frozen=True):
    """The bounds of one collection."""

    max_file_bytes: int
    max_records: int | None

    def of(self, collection: str) -> Bounds:
        """These bounds, or those of a collection that Holdall keeps for itself: its records are not counted."""
        if not collection.startswith(_HIDDEN):
            return self
        return Bounds(max(self.max_file_bytes, _HIDDEN_BYTES), None)

    def demand_room(self, collection: str, records: int) -> None:
        """Raise LimitExceeded for more records than a collection may have."""
        if self.max_records is not None and records > self.max_records:
            raise LimitExceeded(f"records in {collection}", self.max_records, "raise the store's limit")

    def bounded(self, text: str) -> bytes:
        """The text as bytes of a file. Raises LimitExceeded where reading it would be refused."""
        content = text.encode()
        if len(content) > self.max_file_bytes:
            raise LimitExceeded("bytes in one file", self.max_file_bytes, "store less, or raise the store's limit")
        return content
