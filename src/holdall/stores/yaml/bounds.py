"""How much a folder may hold before the store refuses it."""

from __future__ import annotations

import msgspec

from holdall.errors import LimitExceeded

__all__ = ["Bounds"]


class Bounds(msgspec.Struct, frozen=True):
    """The bounds of one collection."""

    max_file_bytes: int
    max_records: int

    def demand_room(self, collection: str, records: int) -> None:
        """Raise LimitExceeded for more records than a collection may have."""
        if records > self.max_records:
            raise LimitExceeded(f"records in {collection}", self.max_records, "raise the store's limit")

    def bounded(self, text: str) -> bytes:
        """The text as bytes of a file. Raises LimitExceeded where reading it would be refused."""
        content = text.encode()
        if len(content) > self.max_file_bytes:
            raise LimitExceeded("bytes in one file", self.max_file_bytes, "store less, or raise the store's limit")
        return content
