"""Names of files, as clients give them: shown again, and never used to find anything."""

from __future__ import annotations

import unicodedata

__all__ = ["clean_name"]

_LONGEST = 255  # bytes, as in most file systems
_KEPT = 20  # characters of an end such as .tar.gz
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_FORBIDDEN = set('<>:"|?*')


def clean_name(given: str) -> str:
    """Return the last part of a name without what could mislead people or programs that save it; empty if none is left.

    Left out are folders, control and formatting characters, which turn text around, and what Windows does not allow.

    >>> clean_name("../../etc/passwd"), clean_name("C:\\\\temp\\\\cover.png"), clean_name("photo\\u202egpj.exe")
    ('passwd', 'cover.png', 'photogpj.exe')
    """
    text = unicodedata.normalize("NFC", given.encode("utf-8", "replace").decode())
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    text = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    text = " ".join("".join("_" if char in _FORBIDDEN else char for char in text).split())
    text = text.strip(". ")
    if text.partition(".")[0].strip().lower() in _RESERVED:
        text = "_" + text
    return _cut(text)


def _cut(text: str) -> str:
    """Shorten a name to what file systems take, with its end."""
    if len(text.encode()) <= _LONGEST:
        return text
    stem, dot, end = text.rpartition(".")
    end = dot + end if stem and len(end) <= _KEPT else ""
    room = _LONGEST - len(end.encode())
    return (stem if end else text).encode()[:room].decode("utf-8", "ignore").rstrip(". ") + end
