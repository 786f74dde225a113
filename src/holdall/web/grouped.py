"""Aggregates in a query string: ``aggregate=pages.avg,rows``, ``group=author.country``, ``having=…``, their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from holdall.errors import FieldError, QueryError
from holdall.query import (
    ALWAYS,
    Aggregate,
    AnyQuery,
    Asked,
    Compare,
    Condition,
    FieldSchema,
    Function,
    Grouping,
    Kind,
    Op,
    Path,
    Query,
    Schema,
    SortKey,
    Value,
    columns_schema,
    operators_of,
)
from holdall.session import Binding, Bindings
from holdall.web.comparison import comparison, values_of
from holdall.web.filter_groups import all_of, filters_of
from holdall.web.filters import described, split_operator
from holdall.web.nested_text import inside, plain
from holdall.web.path import ResolvedPath, resolve_path
from holdall.web.text_value import Unreadable, flag_of, items_of, value_of

__all__ = ["FUNCTIONS", "MAX_COLUMNS", "ROWS", "Columns"]

MAX_COLUMNS = 20
ROWS = "rows"
"""The aggregate that counts the records of a group; no field stands before it."""

FUNCTIONS = {
    "count": Function.COUNT,
    "count_distinct": Function.COUNT_DISTINCT,
    "sum": Function.SUM,
    "avg": Function.AVG,
    "min": Function.MIN,
    "max": Function.MAX,
}


class _Column(msgspec.Struct, frozen=True):
    """A column of groups; ``aggregate`` is None where groups are made by it."""

    path: Path
    field: FieldSchema
    resolved: ResolvedPath | None
    aggregate: Aggregate | None = None


class Columns:
    """Reads what is said of groups, and makes their query and the shape of their rows."""

    def __init__(
        self, binding: Binding, bindings: Bindings, schemas: Mapping[str, Schema], errors: list[FieldError]
    ) -> None:
        self._binding = binding
        self._bindings = bindings
        self._schemas = schemas
        self._errors = errors
        self._columns: dict[str, _Column] = {}
        self._others: dict[str, Aggregate] = {}
        self.visits: list[tuple[str, Binding]] = []

    def take(self, group: str | None, aggregate: str | None) -> None:
        """Take the fields to group by and the aggregates."""
        for parameter, text, find in (("group", group, self._grouped), ("aggregate", aggregate, self._aggregated)):
            for name in text.split(",") if text is not None else ():
                column = find(parameter, name)
                if column is not None and name in self._columns:
                    self._refuse(parameter, "repeated", "must name each column once")
                elif column is not None:
                    self._columns[name] = column
        if len(self._columns) > MAX_COLUMNS:
            self._refuse("aggregate", "length", f"must not make more than {MAX_COLUMNS} columns with group")

    def query(self, condition: Condition, having: str | None, sort: str | None, page_size: int, skip: int) -> AnyQuery:
        """The query for the groups."""
        chosen = self._having(having) if having is not None else ALWAYS
        sort_keys = tuple(self._sort_keys(sort)) if sort is not None else ()
        columns = self._columns.values()
        by = tuple([column.path for column in columns if column.aggregate is None])
        asked = {column.aggregate.name: column.aggregate for column in columns if column.aggregate is not None}
        aggregates = asked | self._others
        grouping = Grouping(by, tuple([aggregates[name] for name in sorted(aggregates)]), chosen)
        projection = tuple([column.path for column in columns])
        return Query(self._binding.collection, condition, sort_keys, page_size, skip, None, projection, None, grouping)

    def shape(self) -> Callable[..., Any]:
        """A function from the values of a row to what is shown of it: an object with the names that were asked for."""
        names, columns = list(self._columns), list(self._columns.values())
        fields = [(f"v{number}", Any) for number in range(len(names))]
        made = msgspec.defstruct("Row", fields, rename=lambda variable: names[int(variable[1:])])
        shows = [_show_of(column) for column in columns]
        if not any(shows):
            return made

        def shown(*values: Value) -> object:
            return made(
                *[
                    value if show is None or value is None else show(value)
                    for show, value in zip(shows, values, strict=True)
                ]
            )

        return shown

    # --- columns ------------------------------------------------------------------------------------------------------

    def _grouped(self, parameter: str, name: str) -> _Column | None:
        resolved = resolve_path(self._bindings, self._binding, name)
        if resolved is None or resolved.through or resolved.is_many:
            self._refuse(parameter, "unknown", "names something that groups cannot be made by")
            return None
        field = resolved.field
        if field.asked is Asked.NOTHING or field.kind in (Kind.JSON, Kind.MANY) or len(field.target_key) > 1:
            self._refuse(parameter, "kind", f"cannot be {described(field)}: it has no single value to group by")
            return None
        self.visits.extend((parameter, binding) for binding in resolved.visits)
        return _Column(resolved.path, msgspec.structs.replace(field, nullable=True), resolved)

    def _aggregated(self, parameter: str, name: str) -> _Column | None:
        if name == ROWS:
            aggregate = Aggregate(Function.ROWS)
            return _Column((aggregate.name,), FieldSchema(aggregate.name, Kind.INT), None, aggregate)
        dotted, _, suffix = name.rpartition(".")
        resolved = resolve_path(self._bindings, self._binding, dotted) if suffix in FUNCTIONS else None
        if resolved is None or resolved.through or resolved.is_many:
            known = ", ".join(FUNCTIONS)
            self._refuse(parameter, "unknown", f"must be {ROWS}, or a field, a dot and one of {known}")
            return None
        aggregate = Aggregate(FUNCTIONS[suffix], resolved.path)
        field = None if resolved.field.asked is Asked.NOTHING else self._result(aggregate)
        if field is None:
            self._refuse(parameter, "function", f"{suffix} does not fit {described(resolved.field)}")
            return None
        self.visits.extend((parameter, binding) for binding in resolved.visits)
        is_value = aggregate.function in (Function.MIN, Function.MAX)
        return _Column((aggregate.name,), field, resolved if is_value else None, aggregate)

    def _result(self, aggregate: Aggregate) -> FieldSchema | None:
        """The column of an aggregate; None where the function does not fit the field."""
        query: AnyQuery = Query(self._binding.collection, grouping=Grouping(aggregates=(aggregate,)))
        try:
            return columns_schema(query, self._schemas).fields[0]
        except QueryError:
            return None

    def _column(self, parameter: str, name: str) -> _Column | None:
        """A column that was asked for, or an aggregate that nothing shows; None where it is refused."""
        column = self._columns.get(name)
        if column is not None:
            return column
        column = self._aggregated(parameter, name)
        if column is not None and column.aggregate is not None:
            self._others[column.aggregate.name] = column.aggregate
        return column

    # --- conditions and order -----------------------------------------------------------------------------------------

    def _having(self, text: str) -> Condition:
        within = inside(text)
        try:
            found = filters_of(text if within is None else within, self._compared)
        except Unreadable as error:
            self._refuse("having", "syntax", str(error))
            return ALWAYS
        return all_of(found) if found else ALWAYS

    def _compared(self, name: str, text: str) -> Condition | None:
        place = f"having.{name}"
        parts = split_operator(name)
        dotted, op = (name, Op.EQ) if parts is None else parts
        column = self._column(place, dotted)
        if column is None:
            return None
        if op not in operators_of(column.field):
            self._refuse(place, "operator", f"does not fit {described(column.field)}")
            return None
        try:
            return _comparison(column, op, text)
        except Unreadable as error:
            self._refuse(place, "value", str(error))
            return None

    def _sort_keys(self, text: str) -> Iterable[SortKey]:
        seen = set()
        for item in text.split(","):
            name = item.removeprefix("-")
            column = self._column("sort", name)
            if column is None:
                continue
            if name in seen:
                self._refuse("sort", "repeated", "must name each column once")
            if column.field.asked is not Asked.ORDER:
                self._refuse("sort", "unknown", "names something that cannot be sorted by")
            seen.add(name)
            yield SortKey(column.path, item.startswith("-"))

    def _refuse(self, name: str, code: str, message: str) -> None:
        self._errors.append(FieldError(name, code, message))


def _comparison(column: _Column, op: Op, text: str) -> Condition:
    """The condition on a column; raises Unreadable for a value that does not fit."""
    within = inside(text)
    items = text if within is None else within
    if column.aggregate is None and column.resolved is not None:
        if op is Op.IN:
            return column.resolved.compare(op, values_of(column.resolved, items))
        return comparison(column.resolved, op, plain(text))
    field = msgspec.structs.replace(column.field, choices=None)
    if op is Op.IS_NULL:
        return Compare(column.path, op, flag_of(plain(text)))
    if op is Op.IN:
        return Compare(column.path, op, tuple([value_of(field, item) for item in items_of(items)]))
    return Compare(column.path, op, value_of(field, plain(text)))


def _show_of(column: _Column) -> Callable[[Any], Any] | None:
    """The function that makes JSON of a value of the column, where msgspec does not know how."""
    if column.resolved is None:
        return None
    field = column.resolved.owner.declaration.reference(column.resolved.field.name)
    found = None if field is None else field.type
    return None if found is None or found.own is None else found.own.show
