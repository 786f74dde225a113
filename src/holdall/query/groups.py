"""The reference meaning of groups and aggregates, and the last steps of stores that leave some of them to Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from math import fsum, isfinite
from operator import itemgetter

from holdall.errors import LimitExceeded
from holdall.query.aggregate import Aggregate, Function, column_name
from holdall.query.border import Key, Row, Value
from holdall.query.columns import columns_schema, grouping_of, query_of_columns
from holdall.query.condition import Path
from holdall.query.kinds import MAX_INT
from holdall.query.picking import picked
from holdall.query.predicate import Getter
from holdall.query.query import AnyQuery
from holdall.query.resolve import resolve
from holdall.query.schema import Kind, Schema

__all__ = ["GroupPlan", "beyond_floats", "exact_sum", "timedelta_of"]

_DIGITS = 28
_MICROSECOND = timedelta(microseconds=1)
_MOST_DIGITS = 100_000
_MOST_SHOWN = 100  # choices of columns that a plan remembers
_NARROW = "narrow the condition, or make smaller groups"


class GroupPlan:
    """Makes groups of rows, and the rows of a query of base columns of groups, for one shape of query.

    ``base`` are the aggregates that rows of groups are made of: an average is made of a sum and a count.

    >>> from holdall.query import FieldSchema, Kind, Schema, parse_query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> query = parse_query("book group pages only pages, avg(id)")
    >>> plan = GroupPlan(query, {"book": book})
    >>> [part.name for part in plan.base], plan.finish(query, [(474, 9, 2)])
    (['sum(id)', 'count(id)'], [(474, 4.5)])
    """

    def __init__(self, query: AnyQuery, schemas: Mapping[str, Schema]) -> None:
        grouping, schema = grouping_of(query), schemas[query.collection]
        self.by = grouping.by
        self.columns = columns_schema(query, schemas)
        self._kinds = {
            aggregate: resolve(schemas, schema, aggregate.path)[-1][1].kind if aggregate.path else Kind.INT
            for aggregate in grouping.aggregates
        }
        base = [part for aggregate in grouping.aggregates for part in _parts(aggregate)]
        self.base: tuple[Aggregate, ...] = tuple(dict.fromkeys(base))
        self._makers = [self._maker(aggregate) for aggregate in grouping.aggregates]
        adding = (Function.SUM, Function.AVG)
        self._added = {aggregate.name for aggregate in grouping.aggregates if aggregate.function in adding}
        self._is_plain = self.base == grouping.aggregates
        self.paths: list[Path] = list(dict.fromkeys([*self.by, *[part.path for part in self.base if part.path]]))
        """Every path that is grouped by or aggregated, once."""
        self.base_columns: tuple[Path, ...] = (*self.by, *[(part.name,) for part in self.base])
        self._shown: dict[tuple[Path, ...], tuple[list[int], list[tuple[int, str]]]] = {}

    def kind(self, part: Aggregate) -> Kind:
        """The kind of the values that a base aggregate is made of."""
        return next(kind for aggregate, kind in self._kinds.items() if aggregate.path == part.path)

    def group(self, rows: Iterable[Row], getter: Callable[[tuple[str, ...]], Getter]) -> list[Row]:
        """The base columns of all groups of these rows: the values grouped by, then the base aggregates."""
        keys = [getter(path) for path in self.by]
        made = [
            (_FUNCTIONS[part.function], self.kind(part), getter(part.path) if part.path else len) for part in self.base
        ]
        groups: dict[Row, list[Row]] = {} if keys else {(): []}
        for row in rows:
            groups.setdefault(tuple([get(row) for get in keys]), []).append(row)
        return [
            (
                *key,
                *[
                    function(kind, [value for row in members if (value := get(row)) is not None])
                    for function, kind, get in made
                ],
            )
            for key, members in groups.items()
        ]

    def finish(self, query: AnyQuery, rows: Sequence[Row], is_selected: bool = False) -> list[Row]:
        """The rows of the query, of the base columns of its groups: all of them, or those it means, in order.

        Raises LimitExceeded where a sum is beyond what its kind can hold.
        """
        if not self._is_plain:
            width = len(self.by)
            rows = [(*row[:width], *[make(row) for make in self._makers]) for row in rows]
        places, added = self._places(query.projection or self.by)
        if is_selected:
            found = _columns_at(rows, places, len(self.columns.fields))
        else:
            found = picked(query_of_columns(query), rows, _Columns(self.columns))
        for place, name in added:
            demand_in_range(name, self.columns.by_name[name].kind, found, place)
        return found

    def _places(self, projection: tuple[Path, ...]) -> tuple[list[int], list[tuple[int, str]]]:
        """The places of the columns that are shown, and among these those of sums and means, with their names."""
        known = self._shown.get(projection)
        if known is None:
            names = [column_name(path) for path in projection]
            places = [self.columns.positions[name] for name in names]
            known = places, [(place, name) for place, name in enumerate(names) if name in self._added]
            if len(self._shown) >= _MOST_SHOWN:
                self._shown.clear()
            self._shown[projection] = known
        return known

    def _maker(self, aggregate: Aggregate) -> Getter:
        width = len(self.by)
        places = [width + self.base.index(part) for part in _parts(aggregate)]
        if aggregate.function is not Function.AVG:
            (place,) = places
            return lambda row: row[place]
        total, number = places
        return lambda row: _mean(row[total], row[number])


def _columns_at(rows: Sequence[Row], places: list[int], width: int) -> list[Row]:
    """The columns at these places, of rows that have ``width`` of them."""
    if places == list(range(width)):
        return list(rows)
    if len(places) == 1:
        (place,) = places
        return [(row[place],) for row in rows]
    return list(map(itemgetter(*places), rows))


class _Columns:
    """The columns of groups, as ``select`` asks for the collections around them."""

    def __init__(self, schema: Schema) -> None:
        self.schemas = {schema.name: schema}

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        return {}.get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        return lambda key: ()


def demand_in_range(name: str, kind: Kind, rows: Sequence[Row], place: int) -> None:
    """Raise LimitExceeded where this column has a number that its kind cannot hold."""
    if kind is Kind.INT:
        numbers = [number for row in rows if (number := row[place]) is not None]
        if numbers and not -MAX_INT <= min(numbers) <= max(numbers) <= MAX_INT:
            raise LimitExceeded(f"in {name}", MAX_INT, _NARROW)
    elif kind is Kind.FLOAT and any(row[place] is not None and not isfinite(row[place]) for row in rows):
        raise beyond_floats()


def beyond_floats() -> LimitExceeded:
    """The error for a sum that is no float any more."""
    return LimitExceeded("(about 1.8 times 10 to this power) in a sum of floats", 308, _NARROW)


def _parts(aggregate: Aggregate) -> tuple[Aggregate, ...]:
    if aggregate.function is not Function.AVG:
        return (aggregate,)
    return Aggregate(Function.SUM, aggregate.path), Aggregate(Function.COUNT, aggregate.path)


def _total(kind: Kind, values: list[Value]) -> Value:
    if not values:
        return None
    if kind is Kind.INT:
        return sum(values)
    if kind is Kind.FLOAT:
        try:
            return fsum(values)
        except OverflowError:
            raise beyond_floats() from None
    if kind is Kind.TIMEDELTA:
        return timedelta_of(sum(value // _MICROSECOND for value in values))
    return exact_sum(values)


def timedelta_of(microseconds: int) -> timedelta:
    """The sum of timedeltas, given in microseconds. Raises LimitExceeded for one that is none."""
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError:
        raise LimitExceeded("days in a sum of timedeltas", timedelta.max.days, _NARROW) from None


def exact_sum(values: Iterable[Value]) -> Decimal:
    """The sum of decimals, all digits of it. Raises LimitExceeded where there would be too many."""
    context = Context(prec=_MOST_DIGITS, traps=[Inexact])
    total = Decimal(0)
    try:
        for value in values:
            total = context.add(total, value)
    except Inexact:
        raise LimitExceeded("digits in a sum of decimals", _MOST_DIGITS, _NARROW) from None
    return total


def _mean(total: Value, number: int) -> Value:
    if total is None:
        return None
    if isinstance(total, Decimal):
        digits = max(_DIGITS, len(total.as_tuple().digits))
        return Context(prec=digits, rounding=ROUND_HALF_EVEN).divide(total, Decimal(number))
    return float(total) / number if isinstance(total, int) else total / number


_FUNCTIONS: dict[Function, Callable[[Kind, list[Value]], Value]] = {
    Function.ROWS: lambda kind, values: len(values),
    Function.COUNT: lambda kind, values: len(values),
    Function.COUNT_DISTINCT: lambda kind, values: len(set(values)),
    Function.SUM: _total,
    Function.MIN: lambda kind, values: min(values, default=None),
    Function.MAX: lambda kind, values: max(values, default=None),
}
