"""A list request as parsed from its query string, remembered for the next one with the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from holdall.model import Field
from holdall.query import AnyQuery, SortKey
from holdall.session import Binding
from holdall.web.formats import Format

__all__ = ["Inclusion", "Listing"]


class Listing(msgspec.Struct, frozen=True):
    """A list request. Example: :class:`AsyncRestView`.

    ``query`` has the page's limit and offset. With ``names`` only these values of each record are shown; ``shape``
    makes them from rows of a projection, where that is enough. ``visits`` tells for each parameter which collections
    it looks into. ``is_keyset``: the next page is told by a cursor. ``cursor_keys``: the sort with
    the key at its end, by which a cursor knows each record's place. ``includes`` are references whose records are shown
    in the place of their keys. ``is_grouped``: rows are of groups, and ``shape`` makes what is shown of each.
    A count that ``is_estimated`` costs no more where there are many records. In another ``format`` than JSON all
    records are given; ``keeps_formulas`` is about text in CSV.
    """

    query: AnyQuery
    page: int
    page_size: int
    is_counted: bool
    is_estimated: bool = False
    names: tuple[str, ...] | None = None
    shape: Callable[..., Any] | None = None
    visits: tuple[tuple[str, Binding], ...] = ()
    is_keyset: bool = False
    cursor_keys: tuple[SortKey, ...] = ()
    includes: tuple[Inclusion, ...] = ()
    is_grouped: bool = False
    format: Format = Format.JSON
    keeps_formulas: bool = False


class Inclusion(msgspec.Struct, frozen=True):
    """Records that are shown within those that refer to them.

    ``binding`` is their collection, ``names`` is of them as in ``Listing``, and ``includes`` are theirs. A list of them
    is a page of its own: ``listing``, for a reference to one it is None.
    """

    field: Field
    binding: Binding
    names: tuple[str, ...] | None = None
    includes: tuple[Inclusion, ...] = ()
    listing: Listing | None = None
