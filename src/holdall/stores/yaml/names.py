"""Keys as file names and back: safe on every file system, and never a way out of the folder.

Letters, digits, ``_``, ``-`` and inner dots stand for themselves, every other byte of the UTF-8 text is ``%XX``. A name
is read leniently (any ``%XX`` is decoded), so a file's name may be escaped more than needed: that is how keys that
differ in case only live on a file system that ignores case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

__all__ = ["EXTENSION", "EXTENSIONS", "is_shortened", "name_of", "parts_of", "safe_name"]

EXTENSION = ".yaml"
"""What the name of a new file ends with."""

EXTENSIONS = (EXTENSION, ".yml")
"""What the name of a file may end with."""

_LONGEST = 200  # bytes of a name without extension; file systems allow 255, and a temporary name needs some of them
_KEPT = 100
_EMPTY = "%-"
_SEPARATOR = ","
_SHORTENED = re.compile(r"~[0-9a-f]{32}\Z")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
_CASELESS = re.compile(r"[0-9_.-]")
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_RESERVED = frozenset(  # names that some systems keep for devices, whatever the extension
    {"con", "prn", "aux", "nul", "clock$", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789")}
)


def safe_name(text: str, *, is_escaped: bool = False) -> str:
    """The text as one component of a path; with ``is_escaped`` every letter is escaped too.

    >>> safe_name("../etc/passwd")
    '%2E.%2Fetc%2Fpasswd'
    """
    if not text:
        return _EMPTY
    plain = _CASELESS if is_escaped else _PLAIN
    pieces = [
        character if plain.match(character) else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in text
    ]
    if pieces[0] in (".", "-") or text.partition(".")[0].lower() in _RESERVED:
        pieces[0] = f"%{ord(text[0]):02X}"
    if pieces[-1] == ".":
        pieces[-1] = "%2E"
    return "".join(pieces)


def name_of(parts: Sequence[str], *, is_escaped: bool = False) -> str:
    """The name, without extension, of the record whose key has these parts as text."""
    name = _SEPARATOR.join(safe_name(part, is_escaped=is_escaped) for part in parts)
    if len(name) <= _LONGEST:
        return name
    digest = sha256("\0".join(parts).encode()).hexdigest()[:32]
    return f"{name[:_KEPT]}~{digest}"


def is_shortened(name: str) -> bool:
    """Whether the name stands for a key too long for a name: the key is then only in the file."""
    return _SHORTENED.search(name) is not None


def parts_of(name: str) -> list[str]:
    """The key's parts as text. Raises ValueError if the name is not one of ours."""
    return [_unescaped(part) for part in name.split(_SEPARATOR)]


def _unescaped(part: str) -> str:
    if part == _EMPTY:
        return ""
    raw = part.encode()
    if len(_ESCAPED.findall(raw)) != raw.count(b"%"):
        raise ValueError("its name has a % that is not followed by two hexadecimal digits")
    try:
        text = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), raw).decode()
    except UnicodeDecodeError:
        raise ValueError("its name is not the text of a key in UTF-8") from None
    if not text or "\0" in text:
        raise ValueError("its name is not the text of a key")
    return text
