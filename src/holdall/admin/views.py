"""Overrides of what the back office shows of one collection, and what its first page counts and draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Value

__all__ = ["AdminView", "Chart", "Computed", "Counter", "Note"]

_MOST_ROWS = 500


class Computed(msgspec.Struct, frozen=True):
    """A column that is made of other values of a record, as JSON shows them to the user who looks.

    ``fields`` are read for it; where the user may not read one of them, the column is empty.

    >>> Computed(lambda book: book["pages"] // 30, ["pages"], label="Hours").label
    'Hours'
    """

    function: Callable[[Mapping[str, Value]], object]
    fields: Sequence[str]
    label: str = ""


class AdminView(msgspec.Struct, frozen=True, kw_only=True):
    """How the back office shows one collection; all that is not said is as the declarations have it.

    ``columns`` are those of the list, in this order. ``naming`` is the text by which people know a record. ``groups``
    have the fields of forms and pages under headings. ``widgets`` name another input: ``"long"`` for text on several
    lines, ``"text"``, ``"json"``. ``computed`` are columns of one's own. ``menu`` is the heading that the collection
    has in the menu, and ``is_hidden`` leaves it out there. ``sort`` is that of a list where nobody asks for another.

    >>> AdminView(columns=["title", "author"], groups={"Print": ["isbn", "pages"]}, widgets={"blurb": "long"}).naming
    ''
    >>> AdminView(page_size=10_000)
    Traceback (most recent call last):
    holdall.errors.DeclarationError: AdminView(): page_size is a number from 1 to 500
    """

    title: str = ""
    singular: str = ""
    columns: Sequence[str] = ()
    naming: str = ""
    groups: Mapping[str, Sequence[str]] = {}
    widgets: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    helps: Mapping[str, str] = {}
    computed: Mapping[str, Computed] = {}
    menu: str = ""
    is_hidden: bool = False
    sort: str = ""
    page_size: int = 50

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= _MOST_ROWS:
            raise DeclarationError(f"AdminView(): page_size is a number from 1 to {_MOST_ROWS}")
        unknown = sorted({*self.widgets.values()} - _WIDGETS)
        if unknown:
            raise DeclarationError(
                f"AdminView(): there is no widget {unknown[0]!r}; widgets are {', '.join(sorted(_WIDGETS))}"
            )

    @property
    def names(self) -> set[str]:
        """The names of fields that it speaks of."""
        grouped = [name for each in self.groups.values() for name in each]
        made = [name for each in self.computed.values() for name in each.fields]
        sorts = [name.strip().removeprefix("-").partition(".")[0] for name in self.sort.split(",") if name.strip()]
        shown = [name for name in self.columns if name not in self.computed]
        naming = [self.naming] if self.naming else []
        return {*shown, *grouped, *made, *sorts, *naming, *self.widgets, *self.labels, *self.helps}


_WIDGETS = {"text", "long", "json", "secret"}


class Counter(msgspec.Struct, frozen=True):
    """A number on the first page: how many records meet the filters, or an aggregate of them.

    ``filters`` and ``aggregate`` are those of the REST service.

    >>> Counter("Pages in print", "books", aggregate="pages.sum", filters="status=printed").aggregate
    'pages.sum'
    """

    title: str
    collection: str
    aggregate: str = "rows"
    filters: str = ""


class Note(msgspec.Struct, frozen=True):
    """A few words on the first page, and links by their texts: to pages of the back office, or to paths of this host.

    >>> Note("Where to begin", "Books and their covers.", {"All books": "data/books", "The service": "/docs"}).title
    'Where to begin'
    >>> Note("Elsewhere", links={"There": "https://example.com"})
    Traceback (most recent call last):
    holdall.errors.DeclarationError: Note(): a link is a page, "data/books", or a path on this host, "/docs"
    """

    title: str
    text: str = ""
    links: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if any(not path or ":" in path.partition("?")[0] or path.startswith("//") for path in self.links.values()):
            raise DeclarationError('Note(): a link is a page, "data/books", or a path on this host, "/docs"')


class Chart(msgspec.Struct, frozen=True):
    """Bars on the first page: an aggregate for each value of a field, the largest ``most`` of them.

    With ``shape="line"`` it is a line from value to value, in their order: the last ``most`` of days or of years.

    >>> Chart("Books by status", "books", group="status").aggregate
    'rows'
    >>> Chart("Pages by year", "books", group="year", aggregate="pages.sum", shape="pie")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: Chart(): shape is one of bars, line
    """

    title: str
    collection: str
    group: str
    aggregate: str = "rows"
    filters: str = ""
    most: int = 12
    shape: str = "bars"

    def __post_init__(self) -> None:
        if self.shape not in ("bars", "line"):
            raise DeclarationError("Chart(): shape is one of bars, line")
