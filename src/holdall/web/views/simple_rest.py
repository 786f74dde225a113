"""The list parameters of react-admin's simple-rest dialect (``sort``, ``range``, ``filter`` as JSON) in ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import msgspec

from holdall.errors import FieldError
from holdall.query import MAX_INT, Json
from holdall.web.dialect import MAX_PAGE_SIZE
from holdall.web.listing import Listing
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter

__all__ = ["Window", "content_range", "list_parameters", "simple_rest"]

_FIRST_SIZE = 25


class Window(NamedTuple):
    """The records that a range asks for: how many are left out before them, and how many they are."""

    skip: int
    size: int

    def of(self, listing: Listing) -> Listing:
        """The listing of these records."""
        query = msgspec.structs.replace(listing.query, skip=self.skip, max_rows=self.size)
        return msgspec.structs.replace(listing, query=query, page_size=self.size)


def simple_rest(query_string: bytes) -> tuple[bytes, Window]:
    """The query string in our dialect, and the window of the range. Raises Problem with everything that is wrong.

    >>> simple_rest(b'sort=["title","DESC"]&range=[0,9]&filter={"author":[1,2],"pages__gt":5}')
    (b'sort=-title&author__in=1%2C2&pages__gt=5', Window(skip=0, size=10))
    """
    errors: list[FieldError] = []
    pairs: list[tuple[str, str]] = []
    window = Window(0, _FIRST_SIZE)
    for name, text in parameters_of(query_string):
        value = _json(text)
        if name == "sort" and _is_sort(value):
            pairs.append(("sort", f"{'-' if value[1].upper() == 'DESC' else ''}{value[0]}"))
        elif name == "range" and _is_range(value):
            window = Window(value[0], value[1] - value[0] + 1)
        elif name == "filter" and isinstance(value, dict):
            pairs.extend(pair for key, item in value.items() for pair in _filters(key, item))
        elif name in _FORMS:
            errors.append(FieldError(name, "value", f"must be {_FORMS[name]}"))
        else:
            errors.append(unknown_parameter(name))
    if errors:
        raise not_understood(errors)
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in pairs).encode(), window


_FORMS = {
    "sort": 'a JSON array of a field and its order, as in ["title","ASC"]',
    "range": f"a JSON array of the first and the last place, {MAX_PAGE_SIZE} at most, as in [0,24]",
    "filter": 'a JSON object of fields and their values, as in {"title":"Emma"}',
}


def content_range(collection: str, skip: int, count: int, total: int) -> bytes:
    """The value of Content-Range for a list.

    >>> content_range("books", 10, 5, 15), content_range("books", 0, 0, 0)
    (b'books 10-14/15', b'books */0')
    """
    places = f"{skip}-{skip + count - 1}" if count else "*"
    return f"{collection} {places}/{total}".encode()


def list_parameters() -> list[dict[str, Any]]:
    """The parameters of a list, as OpenAPI tells them."""
    return [
        {
            "name": name,
            "in": "query",
            "description": f"Must be {form}.",
            "content": {"application/json": {"schema": {"type": "object" if name == "filter" else "array"}}},
        }
        for name, form in _FORMS.items()
    ]


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _is_sort(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(item, str) for item in value)
        and value[1].upper() in ("ASC", "DESC")
    )


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(item, int) and not isinstance(item, bool) for item in value)
        and 0 <= value[0] <= value[1] <= MAX_INT
        and value[1] - value[0] < MAX_PAGE_SIZE
    )


def _filters(name: str, value: Json) -> Iterable[tuple[str, str]]:
    """The filters that a member of ``filter`` means: null is null, a list is one of them, an object leads on."""
    if value is None:
        yield f"{name}__isnull", "true"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _filters(f"{name}.{key}", item)
    elif value == []:
        yield from ((f"{name.removesuffix('__in')}__isnull", flag) for flag in ("true", "false"))  # nothing is both
    elif isinstance(value, list):
        given = name if name.endswith("__in") else f"{name}__in"
        yield given, ",".join(_text(item).replace("\\", "\\\\").replace(",", "\\,") for item in value)
    else:
        yield name, _text(value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
