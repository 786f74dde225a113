"""The Lua scripts, each known to the server by its SHA1 once it has run there."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

__all__ = ["APPEND", "APPLY", "INDEX", "LOAD", "PURGE", "Script"]


class Script(NamedTuple):
    """One script: its source, the name the server gives it, and whether it changes anything."""

    source: bytes
    digest: bytes
    is_writing: bool


def _script(name: str, *, is_writing: bool) -> Script:
    source = (files("holdall.stores.redis") / f"{name}.lua").read_bytes()
    return Script(source, sha1(source, usedforsecurity=False).hexdigest().encode(), is_writing)


APPLY = _script("apply", is_writing=True)
APPEND = _script("append", is_writing=True)
INDEX = _script("index", is_writing=True)
LOAD = _script("load", is_writing=False)
PURGE = _script("purge", is_writing=True)
