"""The parameters of a list in an OpenAPI document: how it is paged, narrowed and sorted."""

from __future__ import annotations

from typing import Any

from holdall.errors import DeclarationError
from holdall.query import Op
from holdall.stores.rest.continuation import is_next, is_said_to_go_on
from holdall.stores.rest.document import Document, Node, is_of, listed
from holdall.stores.rest.filters import Filters, Sorting
from holdall.stores.rest.paging import Cursor, LastRecord, LinkHeader, Offset, PageSize, Paging
from holdall.stores.rest.places import place_of
from holdall.stores.rest.vocabulary import (
    CURSORS,
    OFFSETS,
    PAGES,
    SIZES,
    SORTS,
    SUFFIXED,
    SUFFIXES,
    called,
    is_url_name,
    plain,
)

__all__ = ["ListParameters", "places_of"]

_MOST = 100  # records in a page, where the document does not say


class ListParameters:
    """The parameters of one list; ``record`` are the properties of what is in it."""

    def __init__(self, document: Document, path: str, operation: Node, record: dict[str, Node]) -> None:
        self._document = document
        self._path = path
        self._operation = operation
        self._record = record
        self._parameters = {each["name"]: each for each in operation.get("parameters", ()) if each.get("in") == "query"}
        words = [name for name in self._parameters if name not in record]
        self._size, self._page, self._offset, self._cursor = (
            called(words, vocabulary) for vocabulary in (SIZES, PAGES, OFFSETS, CURSORS)
        )
        self._most = self._most_records()
        schema, self._headers = document.answer(operation)
        self._places = places_of(document, schema or {})

    # --- paging -------------------------------------------------------------------------------------------------------

    def paging(self) -> Paging | None:
        """How the list is paged, None for one that comes whole. Raises DeclarationError where it is not told."""
        following = self._next()
        if (by_last := self._by_last_record()) is not None:
            return by_last
        has_link = any(name.lower() == "link" for name in self._headers)
        if not self._document.is_holdall and self._cursor and following is not None:
            return self._by_cursor(*following)
        if (numbered := self._numbered()) is not None:
            return numbered
        if self._offset and self._size:
            return Offset(offset=self._offset, size=self._size, most=self._most)
        if following is not None and following[1]:
            return self._by_cursor(*following)
        if has_link:
            return LinkHeader(size=self._size, most=self._most)
        if self._page and self._size:
            why = "whether its first page is 0 or 1; declare paging=PageSize(first=…)"
            raise DeclarationError(f"{self._path}: the document does not say {why}")
        may_page = called(self._parameters, (*PAGES, *SIZES, *OFFSETS, *CURSORS))  # or narrow, by a field of that name
        if may_page or any(is_said_to_go_on(place[-1]) for place, _ in self._places):
            raise DeclarationError(f"{self._path}: the document does not say how the list is paged; declare paging=")
        return None

    def _by_last_record(self) -> LastRecord | None:
        """Pages after a record that is named, as Stripe has them, where a page says whether there are more."""
        name = called(self._parameters, ("startingafter",))
        told = [place for place, each in self._places if is_of(each, "boolean")]
        more = next((place for place in told if plain(place[-1]) == "hasmore"), None)
        if not name or more is None:
            return None
        return LastRecord(parameter=name, more_at=place_of(*more), size=self._size, most=self._most)

    def _numbered(self) -> PageSize | None:
        first = self._first_page()
        if not self._page or first is None:
            return None
        return PageSize(page=self._page, size=self._size, most=self._most, first=first)

    def _first_page(self) -> int | None:
        """The number of the first page: the one that is given where none is asked for, or the least there may be."""
        schema = self._document.of_parameter(self._parameters[self._page]) if self._page else {}
        told = [schema[name] for name in ("default", "minimum") if name in schema]
        if told == [1, 0] or not told or told[0] not in (0, 1):
            return None
        return int(told[0])

    def _by_cursor(self, place: str, is_url: bool) -> Cursor:
        return Cursor(next_at=place, cursor=self._cursor, size=self._size, most=self._most, is_url=is_url)

    def _next(self) -> tuple[str, bool] | None:
        """Where an answer tells the next page, and whether by its address."""
        for place, schema in self._places:
            if not is_next(place[-1]) or is_of(schema, "boolean", "integer", "array"):
                continue
            href = self._document.properties(schema).get("href")
            if href is not None:
                return place_of(*place, "href"), True
            if is_of(schema, "string") or not schema.keys() & {"type", "properties"}:
                is_url = schema.get("format") in ("uri", "url", "uri-reference", "iri") or is_url_name(place[-1])
                return place_of(*place), is_url or "links" in "".join(place[:-1])
        return None

    def _most_records(self) -> int:
        schema = self._document.of_parameter(self._parameters[self._size]) if self._size else {}
        most = schema.get("maximum", schema.get("default", _MOST))
        return most if type(most) is int and 0 < most <= 10_000 else _MOST

    def filled(self, paging: Paging | None) -> set[str]:
        """The parameters that reading the list's pages gives values."""
        names = ("page", "offset", "size")
        return {str(getattr(paging, name, "")) for name in names}

    # --- conditions and sorts -----------------------------------------------------------------------------------------

    def filters(self) -> Filters | None:
        """The conditions the list takes."""
        operators: dict[Op, str] = {}
        fields: dict[str, set[Op]] = {}
        is_joined = True
        for name, parameter in self._parameters.items():
            field, op, template = _spelled(name, self._record)
            if op is None or operators.setdefault(op, template) != template:
                continue
            fields.setdefault(field, set()).add(op)
            if op in (Op.IN, Op.NOT_IN):
                is_joined = _is_joined(parameter)
        if not operators:
            return None
        ours = self._document.is_holdall
        return Filters(
            operators=operators,
            fields={field: frozenset(each) for field, each in fields.items()},
            separator="," if is_joined else "",
            escape="\\" if ours else "",
            is_exact=ours,
        )

    def sorting(self) -> Sorting | None:
        """The sorts the list takes."""
        name = next((name for name in SORTS if name in self._parameters), "")
        schema = self._document.of_parameter(self._parameters[name]) if name else {}
        if self._document.is_holdall and name:
            sortable = {field for field, each in self._record.items() if not is_of(each, "array", "object")}
            return Sorting(parameter=name, fields=frozenset(sortable), most_keys=10, nulls="smallest")
        items = self._document.schema(schema.get("items")) if is_of(schema, "array") else schema
        choices = {text for text in listed(items.get("enum")) if isinstance(text, str)}
        fields = frozenset(text for text in choices if f"-{text}" in choices)
        if not fields:
            return None
        return Sorting(parameter=name, fields=fields, most_keys=10 if items is not schema else 1)


def places_of(document: Document, schema: Node) -> list[tuple[tuple[str, ...], Node]]:
    """Every place of an answer's outer two levels with its schema, the outer ones first."""
    outer = [((name,), each) for name, each in document.properties(schema).items()]
    inner = [((*place, name), below) for place, each in outer for name, below in document.properties(each).items()]
    return [*outer, *inner]


def _is_joined(parameter: Node) -> bool:
    if "collectionFormat" in parameter:
        return bool(parameter["collectionFormat"] == "csv")
    return parameter.get("explode", "type" not in parameter) is False or "type" in parameter


def _spelled(name: str, fields: Any) -> tuple[str, Op | None, str]:
    """The field and the operator that a parameter's name says, and the template it follows."""
    if name in fields:
        return name, Op.EQ, "{field}"
    match = SUFFIXED.fullmatch(name)
    if match is None or match["field"] not in fields:
        return "", None, ""
    suffix = match["plain"] or match["bracketed"]
    template = f"{{field}}__{suffix}" if match["plain"] else f"{{field}}[{suffix}]"
    return match["field"], SUFFIXES.get(suffix), template
