"""Names of prepared transactions: a reservation packed into the few bytes that a server lets a name have.

PostgreSQL keeps a ``gid`` of less than 200 characters, an XA name (X/Open, *Distributed TP: The XA Specification*,
1991, section 4.2) a format's number and twice 64 bytes. The name is all that the server keeps, so it can never be
changed: what is prepared is not renewed. Only ``place``, which is words for people, is cut where it does not fit.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
import zlib
from string import digits, hexdigits

import msgspec

from holdall.errors import Unsupported
from holdall.store import RESERVATION_FORMAT, Reservation

__all__ = ["Holder", "PreparedName", "from_gid", "from_xid", "to_gid", "to_xid"]

_GID = re.compile(r"holdall([0-9]+)\.(.*)\.([A-Za-z0-9_=-]*)", re.DOTALL)
_GID_BYTES = 199
_XID_BYTES = 128
_XID_PART = 64
_XID_FORMAT = 0x484F4C00  # "HOL", and the version of the format in the last byte

_PLAIN, _PACKED = 0, 0x80  # how a text is written; the rest of the byte is its length
_SIGNS = "." + digits + hexdigits[10:16]
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class Holder(msgspec.Struct, frozen=True):
    """Which connection of a server prepared it; ``server`` is when the server was started, in seconds since 1970."""

    connection: int
    server: int


class PreparedName(msgspec.Struct, frozen=True):
    """The parts of a name: the reservation, and which part of the commit it is, as ``part_of`` says."""

    reservation: Reservation
    database: int
    store: int
    holder: Holder = Holder(0, 0)


def tag(text: str) -> int:
    """A number of 32 bits that stands for the name of a database or store."""
    return zlib.crc32(text.encode())


def to_gid(name: PreparedName, store: str) -> str:
    """The name as PostgreSQL takes it. Raises Unsupported, naming ``store``, where the reservation does not fit."""
    head = f"holdall{RESERVATION_FORMAT}.{name.reservation.commit}."
    body = _packed(name, (_GID_BYTES - len(head.encode())) // 4 * 3, store, commit="")
    return head + base64.urlsafe_b64encode(body).decode()


def from_gid(gid: str) -> PreparedName | None:
    """Parse a PostgreSQL name; None if it is not one of ours. Of another format, only the commit's id is known."""
    found = _GID.fullmatch(gid)
    if found is None:
        return None
    number, commit, body = int(found[1]), found[2], found[3]
    try:
        return _unpacked(number, base64.urlsafe_b64decode(body), commit)
    except (ValueError, IndexError, OverflowError, binascii.Error):
        return _unreadable(number, commit)


def to_xid(name: PreparedName, store: str) -> str:
    """The name as the text that XA statements take. Raises Unsupported where the reservation does not fit."""
    body = _packed(name, _XID_BYTES, store, commit=name.reservation.commit)
    return f"X'{body[:_XID_PART].hex()}',X'{body[_XID_PART:].hex()}',{_XID_FORMAT | RESERVATION_FORMAT}"


def from_xid(format_id: int, body: bytes) -> PreparedName | None:
    """Parse an XA name, both its parts together; None if it is not one of ours."""
    if format_id & ~0xFF != _XID_FORMAT:
        return None
    number = format_id & 0xFF
    try:
        return _unpacked(number, body, None)
    except (ValueError, IndexError, OverflowError):
        return _unreadable(number, body.hex())


def _packed(name: PreparedName, most: int, store: str, *, commit: str) -> bytes:
    reservation = name.reservation
    made = bytearray()
    for number, size in (
        ((reservation.expires - _EPOCH) // _MICROSECOND, 8),
        (name.database, 4),
        (name.store, 4),
        (name.holder.connection, 6),
        (name.holder.server, 4),
    ):
        made += number.to_bytes(size, "big")
    for text in (commit, reservation.home, reservation.owner, reservation.application):
        made += _text(text)
    room = most - len(made) - 1
    if room < 0:
        raise Unsupported(
            store,
            f"a commit id, home, owner and application name that need {-room} bytes more than the server keeps",
            "shorten the application's name",
        )
    return bytes(made + _text(_cut(reservation.place, min(room, 127))))


def _unpacked(number: int, body: bytes, commit: str | None) -> PreparedName:
    if number != RESERVATION_FORMAT:
        raise ValueError("another format")
    numbers, start = list[int](), 0
    for size in (8, 4, 4, 6, 4):
        numbers.append(int.from_bytes(body[start : start + size], "big"))
        start += size
    texts = list[str]()
    while len(texts) < 5:
        text, start = _read(body, start)
        texts.append(text)
    own, home, owner, application, place = texts
    expires = _EPOCH + numbers[0] * _MICROSECOND
    reservation = Reservation(own if commit is None else commit, application, home, place, owner, expires, number)
    return PreparedName(reservation, numbers[1], numbers[2], Holder(numbers[3], numbers[4]))


def _unreadable(number: int, commit: str) -> PreparedName:
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    shown = 0 if number == RESERVATION_FORMAT else number
    return PreparedName(Reservation(commit, "", "", "", "", never, shown), 0, 0)


def _text(text: str) -> bytes:
    """A text with its length before it; of hexadecimal digits and dots as a number, which takes half the room."""
    if text and set(text) <= set(_SIGNS):
        number = 1
        for sign in text:
            number = number * len(_SIGNS) + _SIGNS.index(sign)
        packed = number.to_bytes((number.bit_length() + 7) // 8, "big")
        if len(packed) <= 127:
            return bytes((_PACKED | len(packed),)) + packed
    plain = text.encode()
    return bytes((_PLAIN | min(len(plain), 127),)) + plain[:127]


def _read(body: bytes, start: int) -> tuple[str, int]:
    head = body[start]
    end = start + 1 + (head & ~_PACKED)
    data = body[start + 1 : end]
    if len(body) < end:
        raise ValueError("it ends early")
    if not head & _PACKED:
        return data.decode(), end
    number, signs = int.from_bytes(data, "big"), list[str]()
    while number > 1:
        number, place = divmod(number, len(_SIGNS))
        signs.append(_SIGNS[place])
    return "".join(reversed(signs)), end


def _cut(text: str, most: int) -> str:
    return text.encode()[: max(most, 0)].decode(errors="ignore")
