"""The state of one file, shared by all that speak of it: what is known of it, or the content that it is to get."""

from __future__ import annotations

import msgspec

from holdall.files.contract import FileStore
from holdall.files.facts import StoredFile
from holdall.files.source import Content
from holdall.query import Value

__all__ = ["Body"]


class Body(msgspec.Struct, eq=False):
    """One file: stored, with ``facts`` of its content in ``store``; pending, with a ``content`` that a commit is to
    keep; or only described by a client, who ``claims`` that this is how it was shown.

    Example: :class:`File`.
    """

    facts: StoredFile | None = None
    name: str = ""
    meta: dict[str, str] = {}
    content: Content | None = None
    claims: dict[str, Value] | None = None
    store: FileStore | None = None  # where it is known which has it
    origin: str | None = None  # the name of its store
