"""Ranges of bytes (RFC 9110, section 14): one of them; several are answered with the whole, as the standard allows."""

from __future__ import annotations

import re

from holdall.web.asgi import Scope, header
from holdall.web.problem import Problem

__all__ = ["range_of"]

_RANGE = re.compile(rb"bytes\s*=\s*(?:([0-9]{1,18})\s*-\s*([0-9]{1,18})?|-\s*([0-9]{1,18}))\s*", re.IGNORECASE)


def range_of(scope: Scope, size: int, tag: bytes) -> tuple[int, int] | None:
    """Return the first byte that is wanted and the one behind the last; None where all are.

    A range that is malformed, of another unit, or of another state than If-Range says, is ignored. Raises Problem (416)
    for one that has no byte of the content.
    """
    text = header(scope, b"range")
    wanted = header(scope, b"if-range")
    if text is None or (wanted is not None and wanted.strip() != tag):
        return None
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, last, suffix = (None if part is None else int(part) for part in found.groups())
    if suffix is not None:
        start, stop = max(0, size - suffix), size
    else:
        start, stop = first or 0, size if last is None else min(last + 1, size)
        if last is not None and first is not None and last < first:
            return None
    if start >= stop:
        headers = ((b"content-range", b"bytes */%d" % size), (b"accept-ranges", b"bytes"))
        raise Problem(416, "range", "The range has no byte of the content.", headers=headers)
    return start, stop
