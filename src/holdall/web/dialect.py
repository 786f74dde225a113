"""The list dialect: filters, sort, page, sparse fields and cursors in a query string become one query.

``name=``, ``name__<operator>=`` with dotted names through references; a name given twice means both. Nothing unknown is
ignored, and every mistake is told at once. ``or=``, ``q=`` and ``include=`` are not part of it yet.
"""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.errors import FieldError, HoldallError
from holdall.query import (
    ALWAYS,
    And,
    AnyQuery,
    Condition,
    FieldSchema,
    Kind,
    Not,
    Op,
    Query,
    SortKey,
    Value,
    check,
    operators_of,
)
from holdall.session import Binding, Bindings
from holdall.web.cursor import Cursors
from holdall.web.listing import Listing
from holdall.web.parameters import parameters_of
from holdall.web.path import ResolvedPath, resolve_path
from holdall.web.problem import Problem
from holdall.web.text_value import Unreadable, items_of, value_of

__all__ = ["CONTROLS", "DEFAULT_PAGE_SIZE", "MAX_PAGE_SIZE", "OPERATORS", "Dialect"]

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
MAX_FILTERS = 50
MAX_SORT_KEYS = 10
_MAX_OFFSET = 2**63 - 1
_REMEMBERED = 1_000
_REMEMBERED_LENGTH = 1_000  # bytes of the longest query string that is remembered

OPERATORS = {
    "eq": Op.EQ,
    "ne": Op.NE,
    "in": Op.IN,
    "isnull": Op.IS_NULL,
    "gt": Op.GT,
    "gte": Op.GE,
    "lt": Op.LT,
    "lte": Op.LE,
    "contains": Op.CONTAINS,
    "icontains": Op.ICONTAINS,
    "startswith": Op.STARTSWITH,
    "endswith": Op.ENDSWITH,
}
CONTROLS = ("page", "page_size", "sort", "fields", "count", "after")
"""Parameters that are no filters; a field of such a name is asked for as ``page__eq``."""

_TEXT = frozenset({Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH})


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

    def _read(self, query_string: bytes) -> Listing:
        reading = _Reading(self._binding, self._bindings)
        for name, value in parameters_of(query_string):
            reading.take(name, value)
        listing = reading.listing(self._cursors)
        if reading.errors:
            raise Problem(422, "query", "Parameters cannot be understood; each is listed.", reading.errors)
        try:
            check(listing.query, self._schemas)
        except HoldallError as error:
            raise Problem(422, "query", "The query cannot be answered as it is written.") from error
        return listing


class _Reading:
    """One query string being read."""

    def __init__(self, binding: Binding, bindings: Bindings) -> None:
        self._binding = binding
        self._bindings = bindings
        self._conditions: list[Condition] = []
        self._lists: dict[str, tuple[int, tuple[Value, ...]]] = {}
        self._controls: dict[str, str] = {}
        self._visits: list[tuple[str, Binding]] = []
        self._sort_fields: list[FieldSchema] = []
        self.errors: list[FieldError] = []

    def take(self, name: str, value: str) -> None:
        """Take one parameter."""
        if name in CONTROLS:
            if name in ("fields", "sort") and name in self._controls:
                value = f"{self._controls[name]},{value}"
            elif name in self._controls:
                self._refuse(name, "repeated", "must be given once")
            self._controls[name] = value
        elif len(self._conditions) >= MAX_FILTERS:
            raise Problem(422, "limit", f"More than {MAX_FILTERS} filters.")
        else:
            self._filter(name, value)

    def listing(self, cursors: Cursors) -> Listing:
        """The whole; of use only if there are no errors."""
        controls = self._controls
        is_keyset = "after" in controls
        page = self._number("page", 1, _MAX_OFFSET)
        page_size = self._number("page_size", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        if (page - 1) * page_size > _MAX_OFFSET:
            self._refuse("page", "range", "is too large")
        if is_keyset and "page" in controls:
            self._refuse("page", "combination", "cannot be given together with after")
        count = controls.get("count", "none" if is_keyset else "exact")
        if count not in ("exact", "none"):
            self._refuse("count", "one_of", "must be one of exact, none")
        total_keys, own = self._sort_keys()
        sort_keys = total_keys if is_keyset else total_keys[:own]
        names = self._names()
        projection = self._projection(names) if names is not None and not is_keyset else ()
        query: AnyQuery = Query(
            self._binding.collection,
            self._condition(),
            sort_keys,
            page_size,
            0 if is_keyset else (page - 1) * page_size,
            self._position(cursors, controls.get("after", ""), sort_keys),
            projection,
        )
        shape = _row_shape(names) if names is not None and projection else None
        return Listing(
            query, page, page_size, count == "exact", names, shape, tuple(self._visits), is_keyset, total_keys
        )

    # --- filters ------------------------------------------------------------------------------------------------------

    def _filter(self, name: str, value: str) -> None:
        dotted, op = name, Op.EQ
        resolved = resolve_path(self._bindings, self._binding, name)
        if resolved is None:
            dotted, separator, suffix = name.rpartition("__")
            if separator and suffix in OPERATORS:
                op = OPERATORS[suffix]
                resolved = resolve_path(self._bindings, self._binding, dotted)
        if resolved is None:
            self._refuse(name, "unknown", "is not a parameter here")
            return
        if op not in operators_of(resolved.field.kind):
            self._refuse(name, "operator", f"does not fit a field that is {resolved.field.kind}")
            return
        self._visits.extend((name, binding) for binding in resolved.visits)
        try:
            if op is Op.IN:
                self._one_of(name, resolved, value)
            else:
                self._conditions.append(_comparison(resolved, op, value))
        except Unreadable as error:
            self._refuse(name, "value", str(error))

    def _one_of(self, name: str, resolved: ResolvedPath, text: str) -> None:
        """One of these values; a list given in several parameters of one name is one list."""
        place, values = self._lists.get(name, (len(self._conditions), ()))
        values += _values(resolved.field, text)
        self._lists[name] = place, values
        self._conditions[place : place + 1] = [resolved.compare(Op.IN, values)]

    def _condition(self) -> Condition:
        conditions = self._conditions
        if not conditions:
            return ALWAYS
        return conditions[0] if len(conditions) == 1 else And(tuple(conditions))

    # --- order and extent ---------------------------------------------------------------------------------------------

    def _sort_keys(self) -> tuple[tuple[SortKey, ...], int]:
        """The sort keys with the record's key at their end, and how many were asked for."""
        keys: list[SortKey] = []
        text = self._controls.get("sort")
        for item in text.split(",") if text is not None else ():
            dotted = item.removeprefix("-")
            resolved = resolve_path(self._bindings, self._binding, dotted)
            if resolved is None or resolved.through or not _has_order(resolved):
                self._refuse("sort", "unknown", "names something that cannot be sorted by")
                continue
            self._visits.extend(("sort", binding) for binding in resolved.visits)
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

    def _position(self, cursors: Cursors, text: str, sort_keys: tuple[SortKey, ...]) -> tuple[Value, ...] | None:
        if not text or self.errors:
            return None
        position = cursors.open(text, self._binding.collection, sort_keys, self._sort_fields)
        if position is None:
            self._refuse("after", "cursor", "must be a cursor this service gave for the same sort")
        return position

    # --- sparse fields ------------------------------------------------------------------------------------------------

    def _names(self) -> tuple[str, ...] | None:
        text = self._controls.get("fields")
        if text is None:
            return None
        known = self._binding.declaration.json_output.names
        asked = set(text.split(","))
        if asked - set(known):
            self._refuse("fields", "unknown", "names something that is not a field")
        ends = self._binding.stored_ends  # which tell of the collections that refer
        self._visits.extend(("fields", ends[name]) for name in asked & ends.keys())
        return tuple(name for name in known if name in asked)

    def _projection(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The paths that give these names; none where a computed value needs the whole record."""
        if any(name in self._binding.declaration.computed for name in names):
            return ()
        return tuple((name,) for name in names)

    def _refuse(self, name: str, code: str, message: str) -> None:
        self.errors.append(FieldError(name, code, message))


def _comparison(resolved: ResolvedPath, op: Op, text: str) -> Condition:
    if op is Op.IS_NULL:
        yes = text.lower() in ("true", "1")
        if not yes and text.lower() not in ("false", "0"):
            raise Unreadable("must be true or false")
        if resolved.is_many:
            return _emptiness(resolved, yes)
        return resolved.compare(op, yes)
    if op in _TEXT:
        return resolved.compare(op, value_of(msgspec.structs.replace(resolved.field, choices=None), text))
    return resolved.compare(op, value_of(resolved.field, text))


def _values(field: FieldSchema, text: str) -> tuple[Value, ...]:
    if field.kind is not Kind.JSON:
        return tuple([value_of(field, item) for item in items_of(text)])
    values = value_of(field, text)
    if not isinstance(values, list):
        raise Unreadable("must be a JSON array")
    return tuple(values)


def _emptiness(resolved: ResolvedPath, yes: bool) -> Condition:
    """Whether any record is reached through the Manys where the field has a value."""
    some = resolved.compare(Op.IS_NULL, False)
    return Not(some) if yes else some


def _has_order(resolved: ResolvedPath) -> bool:
    field = resolved.field
    return field.kind is not Kind.JSON and not (field.kind is Kind.REF and len(field.target_key) > 1)


def _row_shape(names: tuple[str, ...]) -> Any:
    """A struct that shows a row of a projection as an object with these names."""
    fields = [(f"v{number}", Any) for number in range(len(names))]
    return msgspec.defstruct("Row", fields, rename=lambda variable: names[int(variable[1:])])
