"""Query strings of pages and of the service: read in their order, and written."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote

from starlette.requests import Request

__all__ = ["query_of", "query_text"]


def query_of(request: Request) -> list[tuple[str, str]]:
    """The parameters of a request, in their order, empty ones among them."""
    return parse_qsl(request.url.query, keep_blank_values=True)


def query_text(parameters: Iterable[tuple[str, str]]) -> str:
    """A query string.

    >>> query_text([("name__contains", "a b"), ("sort", "-name")])
    'name__contains=a%20b&sort=-name'
    """
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters)
