"""Reservations: what a commit over several stores holds in one of them between its vote and its decision.

Gray and Reuter, *Transaction Processing* (1993), chapter 10: a participant that has voted yes may neither forget nor
change its vote until it learns the decision, even if another process dies meanwhile.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import msgspec

from holdall.store.json_text import UNDECODABLE

__all__ = ["FENCE_PREFIX", "RESERVATION_FORMAT", "Hold", "Reservation"]

RESERVATION_FORMAT = 1
"""The version of ``Reservation.encode``; what another version wrote is told by its number and left alone."""

FENCE_PREFIX = "move-"
"""How the names begin under which fences are held, which are no commits' ids."""


class Hold(StrEnum):
    """How a store holds its part of a commit over several stores between the vote and the decision.

    Example: :class:`Preparable`.
    """

    NONE = "none"
    """It cannot: its part is looked at before, or held by an open transaction that ends with the process."""
    RESERVED = "reserved"
    """Records, new keys and unique values are reserved: every Holdall writer of the store respects that."""
    PREPARED = "prepared"
    """The server keeps a prepared transaction and its locks: everybody respects that."""


class Reservation(msgspec.Struct, frozen=True):
    """Whose reservation this is, and who knows the decision.

    ``commit`` is the commit's id. ``home`` is the identity of the journal whose row decides, ``place`` the same in
    words: the home store's name, or host and path of a local journal. ``owner`` names the process that commits.
    Until ``expires`` (UTC) only a dead owner's reservation may be settled by others.

    Example: :class:`Preparable`.
    """

    commit: str
    application: str
    home: str
    place: str
    owner: str
    expires: dt.datetime
    format: int = RESERVATION_FORMAT

    @property
    def is_fence(self) -> bool:
        """Whether it is around a collection that moves, and no part of a commit: see ``Fencing``."""
        return self.commit.startswith(FENCE_PREFIX)

    @property
    def is_readable(self) -> bool:
        """Whether this version of Holdall knows how to settle it."""
        return self.format == RESERVATION_FORMAT

    def encode(self) -> bytes:
        """The reservation as JSON, with its format's version."""
        return msgspec.json.encode(self)

    @staticmethod
    def decode(commit: str, data: bytes | str) -> Reservation:
        """The reservation of a commit that was encoded; one of an unknown format or shape is not ``is_readable``.

        >>> Reservation.decode("c1", b'{"format": 9}').is_readable
        False
        """
        try:
            return msgspec.json.decode(data, type=Reservation)
        except UNDECODABLE:
            number = _format_of(data)
            never = dt.datetime.max.replace(tzinfo=dt.UTC)
            return Reservation(commit, "", "", "", "", never, 0 if number == RESERVATION_FORMAT else number)


class _Numbered(msgspec.Struct):
    format: int = 0


def _format_of(data: bytes | str) -> int:
    try:
        return msgspec.json.decode(data, type=_Numbered).format
    except UNDECODABLE:
        return 0
