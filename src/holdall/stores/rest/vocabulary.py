"""What the authors of APIs call things: lists, totals, pages, sorts and operators, the likeliest names first."""

from __future__ import annotations

import re

from holdall.query import Op

__all__ = [
    "CURSORS",
    "ITEMS",
    "LISTS",
    "NEXTS",
    "OFFSETS",
    "PAGES",
    "SIZES",
    "SORTS",
    "SUFFIXED",
    "SUFFIXES",
    "TOTALS",
    "TOTAL_HEADERS",
]

LISTS = ("data", "items", "results", "value", "values", "records", "entries", "content", "rows", "objects")
ITEMS = ("data", "item", "result", "record", "value")
TOTALS = ("total_count", "totalCount", "total", "total_items", "totalItems", "total_results", "totalResults",
           "totalElements", "total_records", "totalRecords")  # fmt: skip
NEXTS = ("next_cursor", "nextCursor", "next_page_token", "nextPageToken", "next_token", "nextToken", "next")
PAGES = ("page", "page_number", "pageNumber", "p")
SIZES = ("page_size", "per_page", "pageSize", "perPage", "limit", "size", "max_results", "maxResults", "top")
OFFSETS = ("offset", "skip", "start")
CURSORS = ("cursor", "page_token", "pageToken", "after", "starting_after", "continuation_token", "next_token")
SORTS = ("sort", "order_by", "orderBy", "ordering", "sort_by", "sortBy")
TOTAL_HEADERS = ("X-Total-Count", "Total-Count", "X-Total")
SUFFIXES: dict[str, Op] = {
    "eq": Op.EQ, "ne": Op.NE, "in": Op.IN, "nin": Op.NOT_IN, "not_in": Op.NOT_IN, "gt": Op.GT, "gte": Op.GE,
    "ge": Op.GE, "lt": Op.LT, "lte": Op.LE, "le": Op.LE, "contains": Op.CONTAINS, "icontains": Op.ICONTAINS,
    "startswith": Op.STARTSWITH, "endswith": Op.ENDSWITH, "isnull": Op.IS_NULL, "is_null": Op.IS_NULL,
}  # fmt: skip
SUFFIXED = re.compile(r"(?P<field>.+?)(?:__(?P<plain>\w+)|\[(?P<bracketed>\w+)\])")
