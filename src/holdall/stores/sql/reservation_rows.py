"""Reservations as rows of a table: what every database that keeps them so puts into a row, and reads from it."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from holdall.errors import UnknownFormat
from holdall.store import UNDECODABLE, Footprint, Held, Reservation

__all__ = ["ROW_FORMAT", "demand_known", "encode_footprint", "held_of"]

ROW_FORMAT = 1
"""The version of a row's footprint; a row of another version covers everything."""


def encode_footprint(footprint: Footprint) -> bytes:
    """The footprint as JSON."""
    return msgspec.json.encode(footprint)


def demand_known(store: str, commit: str, number: int) -> None:
    """Raise UnknownFormat for the row of a commit that is of another format: nobody can know what is held by it."""
    if number != ROW_FORMAT:
        raise UnknownFormat(store, f"the row of commit {commit!r} in holdall_reservation", number, ROW_FORMAT)


def held_of(commit: str, number: int, reservation: bytes, footprint: bytes) -> Held:
    """Read the hold from a row of format ``number``."""
    return Held(Reservation.decode(commit, reservation), _footprint(number, footprint))


@lru_cache(maxsize=1000)
def _footprint(number: int, data: bytes) -> Footprint | None:
    if number != ROW_FORMAT:
        return None
    try:
        return msgspec.json.decode(data, type=Footprint)
    except UNDECODABLE:
        return None
