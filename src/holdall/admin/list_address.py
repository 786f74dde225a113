"""The address of a list: its filters, order and place, read from a request and written for links to other places."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from holdall.admin.addresses import query_of
from holdall.admin.described import Described
from holdall.admin.filters import address_of
from holdall.admin.visit import Visit

__all__ = ["SIZES", "ListAddress", "list_address"]

Parameters: TypeAlias = list[tuple[str, str]]

SIZES = (20, 50, 100, 200)
"""The numbers of records that a page may have."""

_OF_PAGES = {
    *("after", "page", "page_size", "fields", "include", "count", "format", "formulas", "aggregate", "group", "having"),
}
_NO_FILTERS = ("sort", "page_size")
_MOST_STEPS = 20  # back from a page, that its address remembers
_FIRST = "-"  # the first page, among the cursors of those before


class ListAddress(msgspec.Struct, frozen=True):
    """The address of one page of a list. ``kept`` are the parameters that all pages of the list have.

    Example: ``docs/back-office.md``.
    """

    kept: Parameters
    sort: str
    size: int
    after: str | None
    trail: tuple[str, ...]
    is_counted: bool

    @property
    def places(self) -> list[int]:
        """The places of the filters among the parameters."""
        return [place for place, (name, _) in enumerate(self.kept) if name not in _NO_FILTERS]

    @property
    def filters(self) -> Parameters:
        """The filters alone."""
        return [self.kept[place] for place in self.places]

    def having(self, name: str, value: str) -> Parameters:
        """The parameters with another value of one."""
        return [*(each for each in self.kept if each[0] != name), (name, value)]

    def before(self) -> Parameters | None:
        """The parameters of the page before; None for the first."""
        if not self.trail:
            return None
        *rest, last = self.trail
        cursor = [] if last == _FIRST else [("after", last)]
        return [*self.kept, *cursor, *([("_trail", ",".join(rest))] if rest else [])]

    def behind(self, cursor: str) -> Parameters:
        """The parameters of the page that a cursor leads to."""
        trail = [*self.trail, self.after or _FIRST][-_MOST_STEPS:]
        return [*self.kept, ("after", cursor), ("_trail", ",".join(trail))]

    def links(self, visit: Visit, described: Described, cursor: str | None) -> dict[str, object]:
        """The addresses of the pages around this one, and of the same page in other sizes."""
        before = self.before()
        return {
            "counted": address_of(visit, described, [*self.kept, ("_count", "1")]),
            "first": address_of(visit, described, self.kept) if self.after is not None else "",
            "back": address_of(visit, described, before) if before is not None else "",
            "onward": address_of(visit, described, self.behind(cursor)) if cursor is not None else "",
            "sizes": [
                (size, address_of(visit, described, self.having("page_size", str(size))), size == self.size)
                for size in SIZES
            ],
        }


def list_address(visit: Visit, described: Described) -> ListAddress:
    """Read the address of a request; parameters of the service that are ours to give are passed over."""
    parameters = query_of(visit.request)
    given, usual = dict(parameters), described.view.page_size
    kept = [(name, value) for name, value in parameters if name not in _OF_PAGES and not name.startswith("_")]
    text = given.get("page_size")
    size = int(text) if text is not None and text in {str(each) for each in SIZES} else usual
    if size != usual:
        kept.append(("page_size", str(size)))
    trail = tuple(each for each in given.get("_trail", "").split(",") if each)
    return ListAddress(kept, given.get("sort", described.view.sort), size, given.get("after"), trail, "_count" in given)
