"""The list dialect: filters, sort, page, sparse fields, cursors, inclusions and aggregates in a query string become one
query.

``name=``, ``name__<operator>=`` with dotted names through references; a name given twice means both. Nothing unknown is
ignored, and every mistake is told at once. ``filters``, ``included`` and ``grouped`` read their parts of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from holdall.errors import FieldError, HoldallError
from holdall.query import AnyQuery, FieldSchema, Query, Schema, SortKey, Value, check
from holdall.session import Binding, Bindings
from holdall.web.cursor import Cursors
from holdall.web.filters import MAX_FILTERS, OPERATORS, Filters
from holdall.web.formats import Format, written_format
from holdall.web.grouped import Columns
from holdall.web.included import Options, includable, inclusions, split_names, wanted_of, whole_names
from holdall.web.listing import Inclusion, Listing
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.path import resolve_path
from holdall.web.problem import Problem
from holdall.web.text_value import Unreadable

__all__ = ["CONTROLS", "DEFAULT_PAGE_SIZE", "MAX_FILTERS", "MAX_PAGE_SIZE", "MAX_SORT_KEYS", "OPERATORS", "Dialect"]

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
MAX_SORT_KEYS = 10
COUNTS = ("exact", "estimated", "none")
_MAX_OFFSET = 2**63 - 1
_REMEMBERED = 1_000
_REMEMBERED_LENGTH = 1_000  # bytes of the longest query string that is remembered

CONTROLS = (
    "page", "page_size", "sort", "fields", "count", "after", "include", "aggregate", "group", "having", "format",
    "formulas",
)  # fmt: skip
"""Parameters that are no filters; a field of such a name is asked for as ``page__eq``."""
_LISTS = frozenset({"fields", "sort", "include", "aggregate", "group", "having"})
_OF_ONE = ("fields", "include")
_NOT_OF_GROUPS = ("fields", "count", "after", "include")
_OF_GROUPS = ("aggregate", "group", "having")


class Dialect:
    """Reads the query strings of one collection."""

    def __init__(self, binding: Binding, bindings: Bindings, cursors: Cursors) -> None:
        self._binding = binding
        self._bindings = bindings
        self._cursors = cursors
        self._schemas = {item.collection: item.schema for item in bindings}
        self._known: dict[bytes, Listing] = {}

    def read(self, query_string: bytes) -> Listing:
        """Parse the query string into a listing; raises Problem with everything that is wrong with it."""
        listing = self._known.get(query_string)
        if listing is None:
            listing = self._read(query_string)
            if len(query_string) <= _REMEMBERED_LENGTH:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()  # what is asked often is back at once
                self._known[query_string] = listing
        return listing

    def read_one(self, query_string: bytes) -> Listing:
        """Read what is to be shown of one record, and in it. Raises Problem for any other parameter."""
        errors = [unknown_parameter(name) for name, _ in parameters_of(query_string) if name not in _OF_ONE]
        if errors:
            raise not_understood(errors)
        return self.read(query_string)

    def _read(self, query_string: bytes) -> Listing:
        reading = _Reading(self._binding, self._bindings, self._schemas, self._cursors)
        for name, value in parameters_of(query_string):
            reading.take(name, value)
        try:
            listing = reading.listing()
            if reading.errors:
                raise not_understood(list(dict.fromkeys(reading.errors)))
            check(listing.query, self._schemas)
        except HoldallError as error:
            raise Problem(422, "query", "The query cannot be answered as it is written.") from error
        return listing


class _Reading:
    """One query string being read; ``depth`` counts the references that lead to what it is about."""

    def __init__(
        self, binding: Binding, bindings: Bindings, schemas: dict[str, Schema], cursors: Cursors, depth: int = 1
    ) -> None:
        self._binding = binding
        self._bindings = bindings
        self._schemas = schemas
        self._cursors = cursors
        self._depth = depth
        self._controls: dict[str, str] = {}
        self._sort_fields: list[FieldSchema] = []
        self.errors: list[FieldError] = []
        self._filters = Filters(binding, bindings, self.errors)
        self._visits = self._filters.visits

    def take(self, name: str, value: str) -> None:
        """Take one parameter."""
        if name not in CONTROLS:
            self._filters.take(name, value, is_nested=self._depth > 1)
            return
        if name in _LISTS and name in self._controls:
            value = f"{self._controls[name]},{value}"
        elif name in self._controls:
            self._refuse(name, "repeated", "must be given once")
        self._controls[name] = value

    def listing(self) -> Listing:
        """The whole; of use only if there are no errors."""
        controls = self._controls
        page = self._number("page", 1, _MAX_OFFSET)
        page_size = self._number("page_size", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        if (page - 1) * page_size > _MAX_OFFSET:
            self._refuse("page", "range", "is too large")
        written = written_format(controls, self._refuse)
        if any(name in controls for name in _OF_GROUPS):
            return self._groups(page, page_size)
        is_keyset = "after" in controls
        self._demand_order(page)
        count = controls.get("count", "none" if is_keyset else "exact")
        if count not in COUNTS:
            self._refuse("count", "one_of", f"must be one of {', '.join(COUNTS)}")
        total_keys, own = self._sort_keys()
        sort_keys = total_keys if is_keyset else total_keys[:own]
        names, further = self._names()
        if further and written is not Format.JSON:
            self._refuse("fields", "combination", f"must name no values of other records with format={written}")
        includes = self._includes(further)
        is_plain = names is not None and not (is_keyset or includes or written is not Format.JSON)
        projection = self._projection(names) if names is not None and is_plain else ()
        query: AnyQuery = Query(
            self._binding.collection,
            self._filters.condition,
            sort_keys,
            page_size if written is Format.JSON else None,
            0 if is_keyset else (page - 1) * page_size,
            self._position(controls.get("after", ""), sort_keys),
            projection,
        )
        return Listing(
            query,
            page,
            page_size,
            is_counted=count != "none",
            is_estimated=count == "estimated",
            names=names,
            shape=_row_shape(names) if names is not None and projection else None,
            visits=tuple(self._visits),
            is_keyset=is_keyset,
            cursor_keys=total_keys,
            includes=includes,
            format=written,
            keeps_formulas=controls.get("formulas") == "keep",
        )

    def _demand_order(self, page: int) -> None:
        """Refuse pages that cannot be told apart."""
        if "after" in self._controls and "page" in self._controls:
            self._refuse("page", "combination", "cannot be given together with after")
        if "after" in self._controls and self._binding.is_keyless:
            self._refuse("after", "keyless", "needs records with a key: ask by page and sort")
        if page > 1 and self._binding.is_keyless and "sort" not in self._controls:
            self._refuse("page", "keyless", "needs a sort, as these records have no key that gives them an order")

    # --- groups -------------------------------------------------------------------------------------------------------

    def _groups(self, page: int, page_size: int) -> Listing:
        controls = self._controls
        for name in _NOT_OF_GROUPS:
            if name in controls:
                self._refuse(name, "combination", "cannot be given together with aggregate, group or having")
        if "aggregate" not in controls and "group" not in controls:
            self._refuse("having", "combination", "needs an aggregate or a group")
        columns = Columns(self._binding, self._bindings, self._schemas, self.errors)
        columns.take(controls.get("group"), controls.get("aggregate"))
        skip = (page - 1) * page_size
        condition = self._filters.condition
        query = columns.query(condition, controls.get("having"), controls.get("sort"), page_size, skip)
        visits = (*self._visits, *columns.visits)
        shape = None if self.errors else columns.shape()
        return Listing(query, page, page_size, is_counted=False, shape=shape, visits=visits, is_grouped=True)

    # --- order and extent ---------------------------------------------------------------------------------------------

    def _sort_keys(self) -> tuple[tuple[SortKey, ...], int]:
        """The sort keys with the record's key at their end, and how many were asked for."""
        keys: list[SortKey] = []
        text = self._controls.get("sort")
        for item in text.split(",") if text is not None else ():
            dotted = item.removeprefix("-")
            resolved = resolve_path(self._bindings, self._binding, dotted)
            if resolved is None or not resolved.has_order:
                self._refuse("sort", "unknown", "names something that cannot be sorted by")
                continue
            self._visits.extend(("sort", binding) for binding in resolved.visits)
            if any(key.path == resolved.path for key in keys):
                self._refuse("sort", "repeated", "must name each field once")
            keys.append(SortKey(resolved.path, item.startswith("-")))
            self._sort_fields.append(resolved.field)
        if len(keys) > MAX_SORT_KEYS:
            self._refuse("sort", "length", f"must not name more than {MAX_SORT_KEYS} fields")
        sorted_by, own = {key.path for key in keys}, len(keys)
        rest = [name for name in self._binding.schema.key if (name,) not in sorted_by]
        keys.extend(SortKey((name,)) for name in rest)
        self._sort_fields.extend(self._binding.schema.field(name) for name in rest)
        return tuple(keys), own

    def _number(self, name: str, default: int, most: int) -> int:
        text = self._controls.get(name)
        if text is None:
            return default
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0
        if not 1 <= number <= most:
            self._refuse(name, "range", f"must be a whole number from 1 to {most}")
            return 1
        return number

    def _position(self, text: str, sort_keys: tuple[SortKey, ...]) -> tuple[Value, ...] | None:
        if not text or self.errors:
            return None
        position = self._cursors.open(text, self._binding.collection, sort_keys, self._sort_fields)
        if position is None:
            self._refuse("after", "cursor", "must be a cursor this service gave for the same sort")
        return position

    # --- sparse fields and inclusions -------------------------------------------------------------------------------

    def _names(self) -> tuple[tuple[str, ...] | None, dict[str, Options]]:
        """The names that are to be shown of the records, None for all, and what is said of records in them."""
        text = self._controls.get("fields")
        if text is None:
            return None, {}
        hidden = self._bindings.hidden_names.get(self._binding.collection, ())
        known = [name for name in self._binding.declaration.json_output.names if name not in hidden]
        own, further = split_names(text)
        asked = set(own)
        if asked - set(known):
            self._refuse("fields", "unknown", "names something that is not a field")
        ends = self._binding.stored_ends  # which tell of the collections that refer
        self._visits.extend(("fields", ends[name]) for name in asked & ends.keys())
        return tuple(name for name in known if name in asked) if own else None, further

    def _includes(self, further: dict[str, Options]) -> tuple[Inclusion, ...]:
        text = self._controls.get("include")
        try:
            wanted = wanted_of(text) if text is not None else {}
        except Unreadable as error:
            self._refuse("include", "syntax", str(error))
            return ()
        known = includable(self._binding, self._bindings.hidden_names.get(self._binding.collection, ()))
        for name, options in whole_names(known, further).items():
            if name in known:
                wanted.setdefault(name, []).extend(options)
            else:
                self._refuse("fields", "unknown", "names something that is not a field")
        if not wanted:
            return ()
        return inclusions(self._binding, self._bindings, wanted, self._depth, self._nested, self._refuse)

    def _nested(self, target: Binding, options: Options, depth: int) -> tuple[Listing, Sequence[FieldError]]:
        """The options of included records as a listing; collections that it looks into are visited by ``include``."""
        reading = _Reading(target, self._bindings, self._schemas, self._cursors, depth)
        for name, value in options:
            reading.take(name, value)
        listing = reading.listing()
        if not reading.errors:
            check(listing.query, self._schemas)
        self._visits.append(("include", target))
        self._visits.extend(("include", binding) for _, binding in listing.visits)
        return listing, reading.errors

    def _projection(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The paths that give these names; none where computed values, or own types, need the whole record."""
        output = self._binding.declaration.json_output
        if any(name in self._binding.declaration.computed or output.shows_otherwise(name) for name in names):
            return ()
        return tuple((name,) for name in names)

    def _refuse(self, name: str, code: str, message: str) -> None:
        self.errors.append(FieldError(name, code, message))


def _row_shape(names: tuple[str, ...]) -> Any:
    """A struct that shows a row of a projection as an object with these names."""
    fields = [(f"v{number}", Any) for number in range(len(names))]
    return msgspec.defstruct("Row", fields, rename=lambda variable: names[int(variable[1:])])
