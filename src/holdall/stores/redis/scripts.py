"""The Lua scripts, put together from their parts, each known to the server by its SHA1 once it has run there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

__all__ = [
    "APPEND",
    "APPLY",
    "COMMIT",
    "COUNT",
    "FENCE",
    "FIELDS",
    "FORGET",
    "INDEX",
    "LOAD",
    "LOOK",
    "MARK",
    "PREPARE",
    "PREPARED",
    "PURGE",
    "RENEW",
    "ROLL_BACK",
    "SIZE",
    "Script",
    "numbered",
    "spoken",
]


class Script(NamedTuple):
    """One script: its source, the name the server gives it, and whether it changes anything."""

    source: bytes
    digest: bytes
    is_writing: bool


_CONSTANTS = re.compile(r"^local ([A-Z][A-Z_]*(?:, [A-Z_]+)*) = (\d+(?:, \d+)*)$", re.MULTILINE)


_NAMES: dict[object, str] = {}
"""The names of scripts, by what the server knows them by, and by their sources."""


def numbered(source: str) -> str:
    """The script with numbers in place of the constants that it declares, so that functions need not capture them.

    >>> numbered("local TTL, KEY = 3, 4\\nreturn run[TTL]")
    '\\nreturn run[3]'
    """
    known: dict[str, str] = {}
    for names, numbers in _CONSTANTS.findall(source):
        known.update(zip(names.split(", "), numbers.split(", "), strict=True))
    if not known:
        return source
    return re.sub(rf"\b(?:{'|'.join(known)})\b", lambda found: known[found[0]], _CONSTANTS.sub("", source))


def _script(*parts: str, functions: Sequence[str] = (), is_writing: bool = True) -> Script:
    """The script of these parts as they are, except that each of ``functions`` becomes a function of its name."""
    folder, texts = files("holdall.stores.redis"), []
    for part in parts:
        text = (folder / f"{part}.lua").read_text("utf-8")
        texts.append(f"local function {part}()\n{text}\nend" if part in functions else text)
    source = numbered("\n".join(texts)).encode()
    digest = sha1(source, usedforsecurity=False).hexdigest().encode()
    _NAMES[digest] = _NAMES[source] = parts[-1]
    return Script(source, digest, is_writing)


def spoken(words: Sequence[bytes | str | int]) -> str:
    """A command without its keys and values, for logs: scripts by their names here.

    >>> spoken(("GETRANGE", "holdall:book:1", 0, 9))
    'GETRANGE (3 arguments)'
    >>> spoken(("EVALSHA", APPLY.digest, 1, "holdall:book:1", b"..."))
    'EVALSHA apply (1 keys, 1 arguments)'
    """
    verb = str(words[0])
    if verb.startswith("EVAL"):
        keys = int(words[2])
        return f"{verb} {_NAMES.get(words[1], '')} ({keys} keys, {len(words) - 3 - keys} arguments)"
    return f"{verb} ({len(words) - 1} arguments)"


APPLY = _script("places", "read_mark", "finding", "counting", "check", "members", "write", "apply")
APPEND = _script("append")
COMMIT = _script("places", "read_mark", "finding", "counting", "held", "is_held", "check", "members", "write", "commit")
COUNT = _script("counting", "count")
FENCE = _script("held", "fence")
FIELDS = _script("fields", is_writing=False)
FORGET = _script("forget")
INDEX = _script("read_mark", "besides", "index")
LOAD = _script("read_mark", "load", is_writing=False)
LOOK = _script("read_mark", "besides", "look", is_writing=False)
MARK = _script("read_mark", "besides", "mark")
PREPARE = _script("places", "read_mark", "finding", "counting", "held", "check", "prepare", functions=("check",))
PREPARED = _script("prepared", is_writing=False)
PURGE = _script("read_mark", "besides", "purge")
RENEW = _script("renew")
ROLL_BACK = _script("held", "rollback")
SIZE = _script("read_mark", "size", is_writing=False)
