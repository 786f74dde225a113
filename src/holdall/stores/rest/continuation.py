"""Hints in an answer, beside its list, that there is more to come, by names that APIs use: a list that goes on is no
whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["CONTAINERS", "NAMES", "TOTAL_NAMES", "is_continued", "is_next", "is_said_to_go_on", "told_total"]

_NEXTS = (
    "next", "next_cursor", "next_page", "next_page_token", "next_token", "next_url", "next_uri", "next_link",
    "next_page_url", "next_page_uri", "next_page_link", "next_marker", "next_href", "next_offset", "next_start",
    "next_page_cursor", "next_key", "next_continuation_token", "continue", "continuation_token",
)  # fmt: skip
_MORES = ("has_more", "has_next", "has_next_page", "more", "is_truncated", "truncated", "incomplete_results")
_LASTS = ("is_last", "last")
_TOTALS = ("total", "total_count", "total_items", "total_results", "total_records", "total_elements", "count_total")
_ODATA = ("@odata.nextLink", "odata.nextLink")

CONTAINERS = (
    "meta", "_meta", "metadata", "pagination", "paging", "links", "_links", "page_info", "pageInfo", "cursors",
    "response_metadata", "responseMetadata",
)  # fmt: skip
"""Where such words stand, if not beside the list."""


def _forms(name: str) -> Iterator[str]:
    first, *others = name.split("_")
    camel = first + "".join(map(str.capitalize, others))
    yield from (name, camel, camel[:1].upper() + camel[1:])


NAMES = tuple(dict.fromkeys([form for name in (*_NEXTS, *_MORES, *_LASTS) for form in _forms(name)] + [*_ODATA]))
"""The words themselves, as they are written."""

TOTAL_NAMES = (*dict.fromkeys(form for name in _TOTALS for form in _forms(name)), "@odata.count")
"""What the length of the whole list is called."""

_PLAIN = re.compile(r"[^a-z]")


def _plain(name: str) -> str:
    return _PLAIN.sub("", name.lower())


_PLAIN_NEXTS = {_plain(name) for name in (*_NEXTS, *_ODATA)}
_PLAIN_MORES = {_plain(name) for name in _MORES}
_PLAIN_LASTS = {_plain(name) for name in _LASTS}


def is_next(name: str) -> bool:
    """Whether what has this name leads to a next page."""
    return _plain(name) in _PLAIN_NEXTS


def is_said_to_go_on(name: str) -> bool:
    """Whether what has this name tells whether there is more."""
    plain = _plain(name)
    return plain in _PLAIN_NEXTS or plain in _PLAIN_MORES or plain in _PLAIN_LASTS - {"last"}


def is_continued(told: Iterable[tuple[str, Any]]) -> bool:
    """Whether one of these names and values, or of those in a container among them, says that there is more."""
    for name, value in told:
        if name in CONTAINERS and isinstance(value, Mapping | list):
            if is_continued(value.items() if isinstance(value, Mapping) else _relations(value)):
                return True
        elif _says_more(_plain(name), value):
            return True
    return False


def told_total(told: Iterable[tuple[str, Any]]) -> int:
    """The largest number of records in all that one of these names, or of those in a container among them, has."""
    most = 0
    for name, value in told:
        if name in CONTAINERS and isinstance(value, Mapping):
            most = max(most, told_total(value.items()))
        elif name in TOTAL_NAMES and isinstance(value, int):
            most = max(most, value)
    return most


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
    if name not in _PLAIN_NEXTS:
        return False
    if isinstance(value, Mapping):  # {"href": "…"}
        return any(isinstance(each, str) and each for each in value.values())
    return value > 0 if isinstance(value, int | float) else bool(value)
