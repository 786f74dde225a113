"""Hints in an answer, beside its list, that there is more to come or that something went wrong, by names that APIs use:
a list that goes on is no whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

__all__ = ["CONTAINERS", "NAMES", "NOTHING", "Hints", "hints_of", "is_next", "is_said_to_go_on", "whole"]

_NEXTS = (
    "next", "next_cursor", "next_page", "next_page_token", "next_token", "next_url", "next_uri", "next_link",
    "next_page_url", "next_page_uri", "next_page_link", "next_marker", "next_href", "next_offset", "next_start",
    "next_page_cursor", "next_key", "next_continuation_token", "next_page_start", "next_page_id", "next_records_url",
    "next_results", "next_cursor_mark", "next_max_id", "continue", "continuation_token", "continuation",
    "resume", "resume_key", "resume_token", "last_evaluated_key",
)  # fmt: skip
_MORES = (
    "has_more", "has_next", "has_next_page", "has_more_items", "has_more_results", "has_more_pages", "more",
    "more_results", "more_available", "more_results_available", "is_truncated", "truncated", "incomplete_results",
    "is_partial", "partial", "partial_results", "timed_out",
)  # fmt: skip
_LASTS = ("is_last", "is_last_page", "last", "last_page", "done")
_REMAINING = ("remaining_item_count", "remaining_items", "remaining_count")
_TOTALS = (
    "total", "total_count", "total_items", "total_results", "total_records", "total_elements", "count_total",
    "total_size", "total_hits", "total_entries", "total_rows", "total_found", "num_found", "nb_hits",
)  # fmt: skip
_PAGES = ("total_pages", "page_count", "pages", "num_pages", "nb_pages", "last_page", "pages_count", "pages_total")
_FAULTS = ("error", "errors")
_GOOD = ("success", "ok")
_BAD_STATUS = ("error", "fail")
_OTHERS = ("@odata.nextLink", "odata.nextLink", "@nextLink", "nextlink", "__next", "@odata.count", "__count", "offset")

CONTAINERS = (
    "meta", "_meta", "metadata", "pagination", "paging", "page", "pages", "links", "_links", "page_info", "pageInfo",
    "cursors", "response_metadata", "responseMetadata", "hits",
)  # fmt: skip
"""Where such words stand, if not beside the list."""

_PLAIN = re.compile(r"[^a-z]")


def _plain(name: str) -> str:
    return _PLAIN.sub("", name.lower())


def _forms(name: str) -> Iterator[str]:
    first, *others = name.split("_")
    camel = first + "".join(map(str.capitalize, others))
    yield from (name, camel, camel[:1].upper() + camel[1:])


_WORDS = (*_NEXTS, *_MORES, *_LASTS, *_REMAINING, *_TOTALS, *_PAGES, *_FAULTS, *_GOOD, "status")

NAMES = tuple(dict.fromkeys([form for name in _WORDS for form in _forms(name)] + [*_OTHERS]))
"""The words themselves, as they are written."""

_PLAIN_NEXTS = {_plain(name) for name in (*_NEXTS, "odata_next_link")}
_PLAIN_MORES = {_plain(name) for name in _MORES}
_PLAIN_LASTS = {_plain(name) for name in _LASTS}
_PLAIN_REMAINING = {_plain(name) for name in _REMAINING}
_PLAIN_TOTALS = {_plain(name) for name in (*_TOTALS, "odata_count")}
_PLAIN_PAGES = {_plain(name) for name in _PAGES}


class Hints(msgspec.Struct, frozen=True, gc=False):
    """The facts that words beside a list tell: that there is ``more``, how many records there are at ``least`` and how
    many ``pages``, and that something ``failed``.
    """

    more: bool = False
    least: int = 0
    pages: int = 0
    failed: bool = False

    def __or__(self, other: Hints) -> Hints:
        """Both together."""
        least, pages = max(self.least, other.least), max(self.pages, other.pages)
        return Hints(self.more or other.more, least, pages, self.failed or other.failed)


NOTHING = Hints()
"""No hints."""


def is_next(name: str) -> bool:
    """Whether what has this name leads to a next page."""
    return _plain(name) in _PLAIN_NEXTS


def is_said_to_go_on(name: str) -> bool:
    """Whether what has this name tells whether there is more."""
    plain = _plain(name)
    return plain in _PLAIN_NEXTS or plain in _PLAIN_MORES or plain in _PLAIN_LASTS - {"last", "lastpage", "done"}


def hints_of(told: Iterable[tuple[str, Any]]) -> Hints:
    """The hints that these names and values give, and those in a container among them."""
    found = NOTHING
    for name, value in told:
        plain = _plain(name)
        if name in CONTAINERS and isinstance(value, Mapping):
            found |= hints_of(value.items())
            continue
        if plain == "links" and isinstance(value, list):
            found |= hints_of(_relations(value))
            continue
        found |= Hints(
            _says_more(plain, value),
            whole(value) if plain in _PLAIN_TOTALS or name == "__count" else 0,
            whole(value) if plain in _PLAIN_PAGES else 0,
            _says_failed(plain, value),
        )
    return found


def whole(value: object) -> int:
    """The number that stands there, or its text, or as ``value`` of an object; 0 for anything else."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
    return value if type(value) is int else 0


def _relations(links: list[Any]) -> Iterator[tuple[str, Any]]:
    """Read the relations of ``[{"rel": "next", "href": "…"}]``."""
    for link in links:
        if isinstance(link, Mapping) and isinstance(link.get("rel"), str):
            yield link["rel"], link.get("href")


def _says_more(name: str, value: object) -> bool:
    if name in _PLAIN_MORES:
        return value is True
    if name in _PLAIN_LASTS:
        return value is False
    if name in _PLAIN_REMAINING:
        return whole(value) > 0
    if name == "offset":  # as text it is a cursor
        return isinstance(value, str) and bool(value) and not value.isdigit()
    if name not in _PLAIN_NEXTS:
        return False
    if isinstance(value, Mapping):  # {"href": "…"}
        return any((isinstance(each, str) and each) or type(each) is int for each in value.values())
    return value > 0 if isinstance(value, int | float) else bool(value)


def _says_failed(name: str, value: object) -> bool:
    if name in _FAULTS:
        return bool(value)
    if name in _GOOD:
        return value is False
    return name == "status" and isinstance(value, str) and value.lower() in _BAD_STATUS
