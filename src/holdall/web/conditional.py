"""Conditional requests (RFC 9110, section 13): entity tags made, and preconditions judged."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from xxhash import xxh3_128_hexdigest

from holdall.web.asgi import Header, Scope, header, header_list
from holdall.web.problem import Problem

__all__ = [
    "NOT_MET",
    "PRECONDITION_REQUIRED",
    "demand_a_new_record",
    "is_unmodified",
    "last_modified",
    "meets_if_match",
    "meets_if_none_match",
    "tag_of_body",
]


NOT_MET = Problem(412, "precondition", "The record is not in the state the request expects.")
PRECONDITION_REQUIRED = Problem(
    428, "precondition-required", "Say with If-Match which state of the record is to be changed: its ETag, or *."
)


def tag_of_body(body: bytes) -> bytes:
    """The strong tag of exactly these bytes."""
    return f'"{xxh3_128_hexdigest(body)}"'.encode()


def last_modified(moment: datetime | None) -> list[Header]:
    """The header that tells when a record was last written (RFC 9110, section 8.8.2), where that is known."""
    return [] if moment is None else [(b"last-modified", format_datetime(moment.astimezone(UTC), usegmt=True).encode())]


def is_unmodified(scope: Scope, moment: datetime | None, name: bytes, other: bytes) -> bool | None:
    """Whether a record is as it was at the date in the header ``name``; None where there is no date, the date of the
    record is not known, or the header ``other``, which is more exact, is there as well.
    """
    text = header(scope, name)
    if text is None or moment is None or header(scope, other) is not None:
        return None
    try:
        date = parsedate_to_datetime(text.decode("latin-1"))
    except ValueError:
        return None
    return moment <= (date if date.tzinfo is not None else date.replace(tzinfo=UTC))


def meets_if_none_match(condition: bytes, tag: bytes) -> bool:
    """Whether If-None-Match lets the request be carried out: none of its tags is this one, weakly compared."""
    if condition.strip() == b"*":
        return False
    return all(found.removeprefix(b"W/") != tag for found in _tags(condition))


def meets_if_match(condition: bytes, tag: bytes) -> bool:
    """Whether If-Match lets the request be carried out: one of its tags is this one, strongly compared."""
    return condition.strip() == b"*" or tag in _tags(condition)


def _tags(condition: bytes) -> list[bytes]:
    return [tag.strip() for tag in condition.split(b",")]  # ours have no comma in them


def demand_a_new_record(scope: Scope) -> None:
    """Raise Problem where a condition speaks of the list, which is there and has no tag that a POST could name."""
    if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
    if (if_match or b"*").strip() != b"*" or (if_none_match or b"").strip() == b"*":
        raise NOT_MET
