"""Facts of a file's content: kept in its record, as one JSON value, in every store."""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["StoredFile"]


class StoredFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file as its record keeps it: where the content is, and what was found when it was written.

    ``key`` names the content in its file store and is shown to nobody; ``size`` is in bytes, ``sha256`` in hexadecimal
    digits, ``type`` a media type (RFC 6838) that the content itself has.

    Example: :class:`File`.
    """

    key: str
    size: int
    type: str
    sha256: str
    created: datetime
    name: str = ""
    meta: dict[str, str] = {}
