"""A list request as parsed from its query string, remembered for the next one with the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from holdall.query import AnyQuery, SortKey
from holdall.session import Binding

__all__ = ["Listing"]


class Listing(msgspec.Struct, frozen=True):
    """A list request.

    ``query`` has the page's limit and offset. With ``names`` only these values of each record are shown; ``shape``
    makes them from rows of a projection, where that is enough. ``visits`` tells for each parameter which collections
    it looks into. ``is_keyset``: the next page is told by a cursor. ``cursor_keys``: the sort with
    the key at its end, by which a cursor knows each record's place.
    """

    query: AnyQuery
    page: int
    page_size: int
    is_counted: bool
    names: tuple[str, ...] | None = None
    shape: Callable[..., Any] | None = None
    visits: tuple[tuple[str, Binding], ...] = ()
    is_keyset: bool = False
    cursor_keys: tuple[SortKey, ...] = ()
