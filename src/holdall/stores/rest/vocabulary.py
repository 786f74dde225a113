"""Names that authors of APIs use: lists, totals, pages, sorts and operators, the likeliest names first.

Names of parameters are compared as ``plain`` gives them: ``page[size]``, ``PageSize`` and ``page_size`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from holdall.query import Op

__all__ = [
    "CURSORS",
    "ITEMS",
    "LISTS",
    "OFFSETS",
    "PAGES",
    "SIZES",
    "SORTS",
    "SUFFIXED",
    "SUFFIXES",
    "TOTALS",
    "TOTAL_HEADERS",
    "called",
    "is_url_name",
    "plain",
]

LISTS = ("data", "items", "results", "value", "values", "records", "entries", "content", "rows", "objects")
ITEMS = ("data", "item", "result", "record", "value")
TOTALS = ("total_count", "totalCount", "total", "total_items", "totalItems", "total_results", "totalResults",
           "totalElements", "total_records", "totalRecords", "@odata.count")  # fmt: skip
PAGES = ("page", "pagenumber", "pageno", "pagenum", "pageindex", "p")
SIZES = ("pagesize", "perpage", "limit", "pagelimit", "size", "maxresults", "top", "maxitems", "maxpagesize",
         "itemsperpage", "resultsperpage", "maxkeys", "maxrecords")  # fmt: skip
OFFSETS = ("offset", "pageoffset", "skip", "start", "startindex", "startat")
CURSORS = ("cursor", "pagecursor", "pagetoken", "after", "pageafter", "startingafter", "continuationtoken", "nexttoken",
           "nextcursor", "nextpagetoken", "marker", "continue", "startafter", "afterid")  # fmt: skip
SORTS = ("sort", "order_by", "orderBy", "ordering", "sort_by", "sortBy")
TOTAL_HEADERS = ("X-Total-Count", "Total-Count", "X-Total", "X-WP-Total", "X-Pagination-Total-Count", "X-Total-Items",
                 "X-Pagination-Total", "X-Total-Results", "X-Total-Records", "X-Total-Elements")  # fmt: skip
SUFFIXES: dict[str, Op] = {
    "eq": Op.EQ, "ne": Op.NE, "in": Op.IN, "nin": Op.NOT_IN, "not_in": Op.NOT_IN, "gt": Op.GT, "gte": Op.GE,
    "ge": Op.GE, "lt": Op.LT, "lte": Op.LE, "le": Op.LE, "contains": Op.CONTAINS, "icontains": Op.ICONTAINS,
    "startswith": Op.STARTSWITH, "endswith": Op.ENDSWITH, "isnull": Op.IS_NULL, "is_null": Op.IS_NULL,
}  # fmt: skip
SUFFIXED = re.compile(r"(?P<field>.+?)(?:__(?P<plain>\w+)|\[(?P<bracketed>\w+)\])")

_URLS = ("url", "uri", "link", "href")


def plain(name: str) -> str:
    """The letters and digits of a name, all small."""
    return "".join(filter(str.isalnum, name)).lower()


def called(names: Iterable[str], vocabulary: tuple[str, ...]) -> str:
    """The likeliest of the names that stands in the vocabulary; an empty text where none does."""
    found = {plain(name): name for name in reversed(list(names))}
    return next((found[word] for word in vocabulary if word in found), "")


def is_url_name(name: str) -> bool:
    """Whether what has this name is a URL."""
    return plain(name).endswith(_URLS)
