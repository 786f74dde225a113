"""Conditional requests (RFC 9110, section 13): entity tags made, and preconditions judged."""

from __future__ import annotations

from xxhash import xxh3_128_hexdigest

from holdall.web.problem import Problem

__all__ = ["NOT_MET", "meets_if_match", "meets_if_none_match", "tag_of_body"]


NOT_MET = Problem(412, "precondition", "The record is not in the state the request expects.")


def tag_of_body(body: bytes) -> bytes:
    """The strong tag of exactly these bytes."""
    return b'"' + xxh3_128_hexdigest(body).encode() + b'"'


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
