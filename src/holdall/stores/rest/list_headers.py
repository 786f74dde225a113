"""Headers beside a list that tell how it goes on, by names that APIs use."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.stores.rest.continuation import NOTHING, Hints, hints_of, whole
from holdall.stores.rest.vocabulary import TOTAL_HEADERS

__all__ = ["header_hints"]

_TOTALS = frozenset(map(str.lower, TOTAL_HEADERS))
_PAGES = frozenset(
    {"x-total-pages", "x-wp-totalpages", "x-pagination-page-count", "x-pagination-total-pages", "x-page-count"}
)
_NEXTS = frozenset(
    {
        "x-next-page", "x-next-cursor", "x-next-token", "x-next", "x-continuation-token", "x-ms-continuation",
        "x-ms-continuationtoken", "x-amz-next-token", "opc-next-page", "next-range", "pagination-next",
    }
)  # fmt: skip
_MORES = frozenset({"x-has-more", "x-has-next", "x-has-next-page"})
_OBJECTS = frozenset({"x-pagination", "pagination"})  # {"totalCount": 30, "next": "…"}


def header_hints(headers: Mapping[str, str]) -> Hints:
    """The hints that the headers of an answer give."""
    found = NOTHING
    for name, text in headers.items():
        name = name.lower()
        if name in _TOTALS:
            found |= Hints(least=whole(text))
        elif name == "content-range":  # items 0-24/319
            found |= Hints(least=whole(text.rpartition("/")[2]))
        elif name in _PAGES:
            found |= Hints(pages=whole(text))
        elif name in _NEXTS:
            found |= Hints(more=text not in ("", "0", "null"))
        elif name in _MORES:
            found |= Hints(more=text.lower() == "true")
        elif name in _OBJECTS:
            found |= _inside(text)
    return found


def _inside(text: str) -> Hints:
    try:
        told = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return NOTHING
    return hints_of(told.items()) if isinstance(told, dict) else NOTHING
