"""The header ``Link`` (RFC 8288, appendix B.2): the target of the next page."""

from __future__ import annotations

import re

__all__ = ["next_link"]

_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(r"""\s*;\s*([^\s=;,"]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s;,"]*)))?""", re.DOTALL)
_TO_NEXT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)*', re.DOTALL)


def next_link(header: str) -> str | None:
    """The target of the first link with the relation ``next`` of this document; None where there is none.

    Raises ValueError where a part that names such a relation cannot be read.
    """
    position = 0
    while (target := _TARGET.match(header, position)) is not None:
        position = target.end()
        parameters: dict[str, str] = {}
        while (found := _PARAMETER.match(header, position)) is not None:
            name, quoted, token = found.groups()
            value = token or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            parameters.setdefault(name.lower(), value)  # of two relations the first counts (section 3.3)
            position = found.end()
        rest = _TO_NEXT.match(header, position)
        position = position if rest is None else rest.end()
        if "anchor" not in parameters and "next" in parameters.get("rel", "").lower().split():
            return target[1].strip()
    if "next" in header[position:].lower():
        raise ValueError("the header Link is not written as RFC 8288 says")
    return None
