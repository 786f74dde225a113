"""Objects in JSON that have a name twice, which decoders read as they like."""

from __future__ import annotations

import json
import re

__all__ = ["has_repeated_names"]

# every string once, ended or not, so that no body makes it look twice at anything
_STRING = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"?+\s*+(:?)', re.DOTALL)


def has_repeated_names(body: bytes) -> bool:
    """Whether an object in the JSON has a name twice, which decoders read as they like (RFC 8259, section 4).

    One look over all strings settles nearly every body; only where names are alike or escaped is it decoded.

    >>> has_repeated_names(b'{"a": 1, "b": {"a": 2}}'), has_repeated_names(b'{"a": 1, "a": 2}')
    (False, True)
    """
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


class _Repeated(Exception):
    pass


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Repeated
