"""The Lua scripts, put together from their parts, each known to the server by its SHA1 once it has run there."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

__all__ = [
    "APPEND",
    "APPLY",
    "COMMIT",
    "COUNT",
    "FORGET",
    "INDEX",
    "LOAD",
    "PREPARE",
    "PREPARED",
    "PURGE",
    "RENEW",
    "ROLL_BACK",
    "Script",
]


class Script(NamedTuple):
    """One script: its source, the name the server gives it, and whether it changes anything."""

    source: bytes
    digest: bytes
    is_writing: bool


def _script(*parts: str, is_writing: bool = True) -> Script:
    folder = files("holdall.stores.redis")
    source = b"\n".join([(folder / f"{part}.lua").read_bytes() for part in parts])
    return Script(source, sha1(source, usedforsecurity=False).hexdigest().encode(), is_writing)


APPLY = _script("places", "counting", "check", "write", "apply")
APPEND = _script("append")
COMMIT = _script("places", "counting", "check", "write", "held", "commit")
COUNT = _script("counting", "count")
FORGET = _script("forget")
INDEX = _script("index")
LOAD = _script("load", is_writing=False)
PREPARE = _script("places", "counting", "check", "held", "prepare")
PREPARED = _script("prepared", is_writing=False)
PURGE = _script("purge")
RENEW = _script("renew")
ROLL_BACK = _script("held", "rollback")
