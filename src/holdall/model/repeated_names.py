"""Objects in JSON that have a name twice, which decoders read as they like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from holdall.query import Json

__all__ = ["are_plainly_distinct", "has_repeated_names"]

# every string once, ended or not, so that no body makes it look twice at anything
_STRING = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"?+\s*+(:?)', re.DOTALL)


def has_repeated_names(body: bytes) -> bool:
    """Whether an object in the JSON has a name twice, which decoders read as they like (RFC 8259, section 4).

    One look over all strings settles nearly every body; only where names are alike or escaped is it decoded. Of one
    object, strings that are all different are told by quotation marks alone.

    >>> has_repeated_names(b'{"a": 1, "b": {"a": 2}}'), has_repeated_names(b'{"a": 1, "a": 2}')
    (False, True)
    """
    if b"\\" not in body and body.count(b"{") < 2:
        strings = body.split(b'"')[1::2]
        if len(set(strings)) == len(strings):
            return False
    names = [name for name, colon in _STRING.findall(body) if colon]
    if len(set(names)) == len(names) and (b"\\" not in body or not any(b"\\" in name for name in names)):
        return False
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except _Repeated:
        return True
    except (ValueError, RecursionError):  # not JSON at all: whoever decodes it will say so
        return False
    return False


def are_plainly_distinct(bodies: Sequence[bytes], items: Sequence[Mapping[str, Json]]) -> bool:
    """Whether flat objects in JSON are seen at once to give each name once, by the items that they are decoded to.

    Each string has two quotation marks there, and one that was dropped would have two more.

    >>> [are_plainly_distinct([body], [{"a": 2}]) for body in (b'{"a": 2}', b'{"a": 1, "a": 2}')]
    [True, False]
    """
    text = b"".join(bodies)
    if b"\\" in text or b"[" in text or text.count(b"{") != len(bodies):
        return False
    strings = sum([len(item) + list(map(type, item.values())).count(str) for item in items])
    return text.count(b'"') == 2 * strings


class _Repeated(Exception):
    pass


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Repeated
