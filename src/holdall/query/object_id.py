"""ObjectIds as text: the 24 lower-case hexadecimal digits of the 12 bytes that MongoDB names documents by."""

from __future__ import annotations

import re

__all__ = ["OBJECT_ID", "is_object_id"]

OBJECT_ID = "[0-9a-f]{24}"
"""The regular expression that an ObjectId matches as a whole."""

_matches = re.compile(OBJECT_ID).fullmatch


def is_object_id(value: object) -> bool:
    """Whether a value is the text of an ObjectId.

    >>> is_object_id("65f0c0ffee0123456789abcd"), is_object_id("65F0")
    (True, False)
    """
    return isinstance(value, str) and _matches(value) is not None
