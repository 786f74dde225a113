"""Single values in spellings of others: as they stand in columns, and as fields have them.

Written values come back equal or are refused: each function that writes raises ValueError, in the rest of a sentence
about the column, for a value that the column would change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_interface, ip_network
from math import inf, nextafter
from struct import Struct
from uuid import UUID

from holdall.query import Json

__all__ = [
    "address",
    "array_writer",
    "as_array",
    "hardware",
    "label_of",
    "members_as_listed",
    "members_from_text",
    "members_to_text",
    "near_single",
    "network",
    "single_from_double",
    "single_to_double",
    "timedelta_from_interval",
    "timedelta_from_moment",
    "timedelta_to_moment",
    "uuid_from_octets",
    "without_padding",
    "year",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINGLE = Struct("f")
_HARDWARE = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_FIRST_YEAR, _LAST_YEAR = 1901, 2155


def label_of(labels: Sequence[str]) -> Callable[[str], str]:
    """A function that passes the labels of an enumeration."""
    known, shown = frozenset(labels), ", ".join(labels)

    def passed(text: str) -> str:
        if text not in known:
            raise ValueError(f"its column takes one of these and nothing else: {shown}")
        return text

    return passed


def without_padding(text: str) -> str:
    """The text itself, unless it ends in what its column would drop."""
    if text[-1:] == " ":
        raise ValueError("its column pads with spaces, and keeps none at the end")
    return text


def address(text: str) -> str:
    """The text itself if it is an address as PostgreSQL writes it: ``192.168.0.1``, ``2001:db8::1/64``."""
    try:
        found = ip_interface(text)
    except ValueError:
        raise ValueError("its column takes an internet address") from None
    plain = _written(found.ip)
    full = found.network.prefixlen == found.max_prefixlen
    return _same(text, plain if full else f"{plain}/{found.network.prefixlen}")


def network(text: str) -> str:
    """The text itself if it is a network as PostgreSQL writes it: ``192.168.0.0/24``."""
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError("its column takes a network of internet addresses, as 192.168.0.0/24") from None
    return _same(text, f"{_written(found.network_address)}/{found.prefixlen}")


def hardware(text: str) -> str:
    """The text itself if it is the address of a device as PostgreSQL writes it: ``08:00:2b:01:02:03``."""
    if _HARDWARE.fullmatch(text) is None:
        raise ValueError("its column takes the address of a device, as 08:00:2b:01:02:03")
    return text


def _written(found: IPv4Address | IPv6Address) -> str:
    number = int(found)
    if isinstance(found, IPv6Address) and number >> 32 in (0, 0xFFFF) and number not in (0, 1):
        return f"::{'ffff:' if number >> 32 else ''}{IPv4Address(number & 0xFFFFFFFF)}"
    return str(found)


def _same(text: str, written: str) -> str:
    if text != written:
        raise ValueError("its column writes this address in another way: in lower case, and as short as it can be")
    return text


def timedelta_from_interval(text: str) -> timedelta:
    """From microseconds as text; raises ValueError for an interval with months, which have no length."""
    return timedelta(0, 0, int(text))


def timedelta_to_moment(value: timedelta) -> str:
    """The moment that long after 1970 began, as SQLAlchemy writes it."""
    try:
        return (_EPOCH + value).replace(tzinfo=None).isoformat(" ", "microseconds")
    except OverflowError:
        raise ValueError("its column holds durations from -1969 to 8029 years and no others") from None


def timedelta_from_moment(text: object) -> timedelta:
    """The duration that the text says; raises ValueError for what is no moment."""
    if not isinstance(text, str):
        raise ValueError("it is no text")
    found = datetime.fromisoformat(text)
    return found - (_EPOCH.replace(tzinfo=None) if found.tzinfo is None else _EPOCH)


def single_from_double(value: float) -> float:
    """The shortest number that stands for the same 32 bits: 0.1 for 0.10000000149011612."""
    if value == 0 or value - value != 0:
        return value
    for digits in range(6, 10):
        short = float(f"{value:.{digits}g}")
        if _rounded(short) == value:
            return short
    return value


def _rounded(value: float) -> float:
    try:
        (found,) = _SINGLE.unpack(_SINGLE.pack(value))
    except OverflowError:
        return inf if value > 0 else -inf
    return float(found)


def single_to_double(value: float) -> float:
    """The number itself if 32 bits stand for it and no other as short."""
    if single_from_double(_rounded(value)) != value:
        raise ValueError("its column holds numbers of 32 bits, which have about seven digits, and no others")
    return value


def near_single(value: float) -> float:
    """Return a double that compares with those of 32 bits as this number does with what these stand for."""
    rounded = _rounded(value)
    if rounded - rounded != 0:
        return value
    shown = single_from_double(rounded)
    return rounded if shown == value else nextafter(rounded, -inf if value < shown else inf)


def year(value: int) -> int:
    """The number itself if it is a year of MariaDB."""
    if value and not _FIRST_YEAR <= value <= _LAST_YEAR:
        raise ValueError(f"its column holds years from {_FIRST_YEAR} to {_LAST_YEAR} and no others")
    return value


def uuid_from_octets(value: object) -> UUID:
    """From 16 bytes."""
    if not isinstance(value, bytes):
        raise ValueError("it is no bytes")
    return UUID(bytes=value)


def members_from_text(text: str) -> Json:
    """The labels of a set, in alphabetical order."""
    labels: list[Json] = [*sorted(text.split(","))] if text else []
    return labels


def members_to_text(labels: Sequence[str]) -> Callable[[Json], str]:
    """A function that writes a set: of a list of these labels in alphabetical order, each once."""
    places, shown = {label: place for place, label in enumerate(labels)}, ", ".join(labels)

    def written(value: Json) -> str:
        if not isinstance(value, list) or not all(isinstance(item, str) and item in places for item in value):
            raise ValueError(f"its column takes a list of these and nothing else: {shown}")
        if value != sorted(set(map(str, value))):
            raise ValueError("its column keeps no order: give each once, in alphabetical order, or declare a frozenset")
        return ",".join(sorted(map(str, value), key=places.__getitem__))

    return written


def members_as_listed(labels: Sequence[str]) -> Callable[[Json], Json]:
    """A function from a JSON value to the list that a set of these labels would be, and no such list for any other."""
    places = {label: place for place, label in enumerate(labels)}

    def listed(value: Json) -> Json:
        if not isinstance(value, list) or not all(isinstance(item, str) and item in places for item in value):
            return {"": value}
        if value != sorted(set(map(str, value))):
            return {"": value}
        ordered: list[Json] = [*sorted(map(str, value), key=places.__getitem__)]
        return ordered

    return listed


_BITS = {"smallint": 16, "integer": 32, "bigint": 64}


def array_writer(item: str, labels: Sequence[str] = (), length: int | None = None) -> Callable[[Json], str]:
    """A function from a JSON list to an array of items of this type, as PostgreSQL reads it."""
    write = _item_writer(item, labels, length)

    def written(value: Json) -> str:
        if not isinstance(value, list):
            raise ValueError("its column takes a list")
        return as_array(value, write)

    return written


def as_array(value: list[Json], write: Callable[[Json], str]) -> str:
    """The list as PostgreSQL writes an array; lists in it are of one length, and not empty."""
    if any(isinstance(item, list) for item in value):
        inner = [item if isinstance(item, list) else [] for item in value]
        if not inner[0] or len({_shape(item) for item in inner}) > 1:
            raise ValueError("its column takes lists of lists only where all are of one length, and none is empty")
        return "{" + ",".join(as_array(item, write) for item in inner) + "}"
    return "{" + ",".join("NULL" if item is None else write(item) for item in value) + "}"


def _shape(value: list[Json]) -> tuple[object, ...]:
    deeper = {_shape(item) if isinstance(item, list) else None for item in value}
    if len(deeper) > 1:
        return (len(value), "uneven", id(value))
    return (len(value), *deeper)


def _item_writer(item: str, labels: Sequence[str], length: int | None) -> Callable[[Json], str]:
    passed = label_of(labels) if labels else None

    def write(value: Json) -> str:
        match item:
            case "boolean" if isinstance(value, bool):
                return "true" if value else "false"
            case "smallint" | "integer" | "bigint" if isinstance(value, int) and not isinstance(value, bool):
                if -(2 ** (_BITS[item] - 1)) <= value < 2 ** (_BITS[item] - 1):
                    return str(value)
            case "double precision" if isinstance(value, float):
                return repr(value)
            case "uuid" | "date" if isinstance(value, str) and _is_usual(item, value):
                return value
            case "text" if isinstance(value, str):
                text = value if passed is None else passed(value)
                if length is None or len(text) <= length:
                    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        raise ValueError(f"its column takes a list of {item} and nothing else")

    return write


def _is_usual(item: str, text: str) -> bool:
    """Whether a UUID or a date is spelt as it will be read."""
    try:
        return text == (str(UUID(text)) if item == "uuid" else date.fromisoformat(text).isoformat())
    except ValueError:
        return False
