"""Whether headers that are declared, or given by a function, can be sent (RFC 9110, sections 5.1 and 5.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["header_fault"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


def header_fault(headers: Iterable[tuple[object, object]]) -> str:
    """Why the first of these that cannot be sent cannot, without its value; an empty text where all can."""
    for name, value in headers:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"{name!r} is no name of a header"
        if not isinstance(value, str) or _CONTROL.search(value):
            return f"the header {name} is one line of text"
    return ""
