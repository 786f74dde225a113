"""Preferences of a client (RFC 7240): how much of an answer it wants, and whether a write is only to be rehearsed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from holdall.errors import FieldError
from holdall.web.asgi import Header, Scope, header_list
from holdall.web.problem import Problem

__all__ = ["NONE", "Preferences", "preferences_of"]

_MOST = 4_096  # bytes of the header
_PIECE = re.compile(rb'(?:[^",]++|"(?:[^"\\]++|\\.)*+"?+)++', re.DOTALL)  # up to a comma that is in no text
_NAME = re.compile(rb"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]*)))?""", re.DOTALL)
_VALUES = {
    b"return": (b"minimal", b"representation"),
    b"handling": (b"strict", b"lenient"),
    b"tx": (b"commit", b"rollback", b"item"),
    b"respond-async": (b"",),
}


class Preferences(msgspec.Struct, frozen=True):
    """The preferences of one request that are followed.

    ``is_minimal``: no record is wanted in the answer. ``is_rehearsal``: nothing is to be written, and the plan is the
    answer. ``is_by_item``: each item of a list is written by itself. ``is_async``: nobody waits for the work.
    ``most``: how many records may be changed.
    """

    is_minimal: bool = False
    is_representation: bool = False
    is_rehearsal: bool = False
    is_by_item: bool = False
    is_async: bool = False
    most: int | None = None
    applied: tuple[bytes, ...] = ()

    @property
    def headers(self) -> list[Header]:
        """The header that tells which were followed."""
        return [(b"preference-applied", b", ".join(self.applied))] if self.applied else []


NONE = Preferences()


def preferences_of(scope: Scope, *known: bytes) -> Preferences:
    """The preferences of a request, of those that are ``known`` to it: ``return``, ``tx`` with its values, and so on.

    Others are ignored, as the standard has it; with ``handling=strict`` they raise Problem (400), each of them named.
    """
    text = header_list(scope, b"prefer")
    return NONE if text is None else _read(text, known)


def _read(text: bytes, known: Iterable[bytes]) -> Preferences:
    given = _given(text)
    is_strict = given.get(b"handling") == b"strict"
    errors: list[FieldError] = []
    followed: dict[bytes, bytes] = {}
    for name, value in given.items():
        if _is_followed(name, value, known):
            followed[name] = value
        elif name != b"handling" or value not in _VALUES[b"handling"]:
            shown = name.decode("ascii", "replace")
            errors.append(FieldError(f"Prefer.{shown}", "preference", "cannot be followed by this request"))
    if is_strict and errors:
        raise Problem(400, "preference", "Preferences cannot be followed; each is listed.", errors)
    if is_strict:
        followed[b"handling"] = b"strict"
    tx, wanted = followed.get(b"tx"), followed.get(b"return")
    return Preferences(
        is_minimal=wanted == b"minimal",
        is_representation=wanted == b"representation",
        is_rehearsal=tx == b"rollback",
        is_by_item=tx == b"item",
        is_async=b"respond-async" in followed,
        most=int(followed[b"max-affected"]) if b"max-affected" in followed else None,
        applied=tuple(name + b"=" + value if value else name for name, value in followed.items()),
    )


def _is_followed(name: bytes, value: bytes, known: Iterable[bytes]) -> bool:
    if name == b"max-affected":
        return name in known and value.isdigit() and len(value) <= 9
    return name != b"handling" and value in _VALUES.get(name, ()) and (name in known or name + b"=" + value in known)


def _given(text: bytes) -> dict[bytes, bytes]:
    """The preferences by name; of one that is given twice the first holds."""
    if len(text) > _MOST:
        raise Problem(400, "preference", f"The header Prefer has more than {_MOST} bytes.")
    found: dict[bytes, bytes] = {}
    for piece in _PIECE.findall(text):
        match = _NAME.match(piece)
        if match is not None:
            name, quoted, plain = match.groups()
            found.setdefault(name.lower(), plain or b"" if quoted is None else quoted)
    return found
