"""Results of actions that are files, not JSON."""

from __future__ import annotations

import msgspec

from holdall.errors import StateError

__all__ = ["Content"]


class Content(msgspec.Struct, frozen=True):
    """A file that an action gives: its bytes, their media type, and a name to save it under.

    Raises StateError for a type or a name that no header can have.

    >>> Content(b"id\\r\\n1\\r\\n", "text/csv", "books.csv").name
    'books.csv'
    """

    body: bytes
    media_type: str = "application/octet-stream"
    name: str = "file"

    def __post_init__(self) -> None:
        for text in (self.media_type, self.name):
            if not (text.isascii() and text.isprintable() and text) or '"' in text or "\\" in text or "/" in self.name:
                raise StateError("a media type and the name of a file are plain text, the name without slashes")
