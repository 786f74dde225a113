"""Aggregates: one value of many rows, and the groups of rows of which each has its own."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from holdall.errors import QueryError
from holdall.query._paths import write_path
from holdall.query.condition import ALWAYS, Compare, Condition, Owner, Path
from holdall.query.schema import FieldSchema, Kind
from holdall.query.sort import SortKey
from holdall.query.walk import nodes

__all__ = ["Aggregate", "AggregateOwner", "Function", "Grouping", "column_name", "grouped_by", "result_field"]


class Function(StrEnum):
    """The functions that make one value of those of a group. A missing one is left out by all but ``ROWS``.

    ``SUM``, ``AVG``, ``MIN`` and ``MAX`` of no value are missing, counts of none are 0. Sums of integers and decimals
    are exact; an integer beyond ``MAX_INT`` and a float that is not finite are refused with LimitExceeded. Floats are
    added in any order, so that their last digits may differ. ``AVG`` of integers is the exact sum, as the nearest
    float, divided by the count; of decimals it is rounded half even to 28 digits, or to as many as the sum has; of
    timedeltas half even to microseconds. ``MIN`` and ``MAX`` go by the order of sorting (see ``SortKey``).

    >>> from holdall.query import Function
    >>> Function("sum") is Function.SUM
    True
    """

    ROWS = "rows"
    COUNT = "count"
    COUNT_DISTINCT = "count distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class Aggregate(msgspec.Struct, frozen=True):
    """A function over the values at a path, of all rows of a group; ``ROWS`` has no path.

    >>> from holdall.query import Aggregate, Function
    >>> Aggregate(Function.COUNT_DISTINCT, ("author", "name")).name
    'count(distinct author.name)'
    """

    function: Function
    path: Path = ()

    @property
    def name(self) -> str:
        """The name of its column, by which ``having``, a sort and a projection speak of it."""
        if self.function is Function.ROWS:
            return "rows()"
        if self.function is Function.COUNT_DISTINCT:
            return f"count(distinct {write_path(self.path)})"
        return f"{self.function}({write_path(self.path)})"


class Grouping(msgspec.Struct, frozen=True):
    """The groups of a query: rows with equal values at the paths ``by``, missing ones equal; all rows without any.

    The query then gives a row for each group that meets ``having``. Its projection, its sort keys and ``having`` speak
    of the columns of groups: paths of ``by``, and ``(name,)`` of an aggregate. Groups equal in all sort keys come by
    the values at ``by``, ascending. Without ``by`` there is one group, even of no rows.

    >>> from holdall.query import parse_query
    >>> parse_query("book group author only author, sum(pages)").grouping.by
    (('author',),)
    """

    by: tuple[Path, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    having: Condition = ALWAYS


class _Aggregated:
    """The model that stands for no model: nothing of it may be asked where fields are."""


class AggregateOwner(Owner):
    """Says of a comparison or a sort key that it speaks of an aggregate."""

    __slots__ = ("aggregate", "source")

    def __init__(self, source: Owner, aggregate: Aggregate) -> None:
        super().__init__(_Aggregated)
        self.source = source  # the model of the aggregate's path
        self.aggregate = aggregate

    __hash__ = Owner.__hash__


_NUMBERS = frozenset({Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TIMEDELTA})
_NO_EXTREMES = frozenset({Kind.JSON, Kind.MANY, Kind.REF, Kind.BYTES})


def result_field(aggregate: Aggregate, field: FieldSchema | None) -> FieldSchema:
    """The aggregate's column, of a field that its path leads to. Raises QueryError where the function does not fit."""
    function, name = aggregate.function, aggregate.name
    if field is None:
        return FieldSchema(name, Kind.INT)
    kind = field.kind
    if kind in (Kind.JSON, Kind.MANY) or len(field.target_key) > 1:
        raise QueryError(f"{name} is refused: the field is {kind} and has no single value")
    if function in (Function.COUNT, Function.COUNT_DISTINCT):
        return FieldSchema(name, Kind.INT)
    if function in (Function.MIN, Function.MAX):
        if kind in _NO_EXTREMES:
            raise QueryError(f"{name} is refused: the field is {kind}; {function} takes what has an order")
        return FieldSchema(name, kind, nullable=True)
    if kind not in _NUMBERS:
        raise QueryError(f"{name} is refused: the field is {kind}; {function} takes numbers and timedeltas")
    is_ratio = function is Function.AVG and kind is Kind.INT
    return FieldSchema(name, Kind.FLOAT if is_ratio else kind, nullable=True)


def column_name(path: Path) -> str:
    """The name of the column of a group that this path of a projection, sort key or ``having`` means."""
    return write_path(path)


def grouped_by(
    by: tuple[Path, ...],
    known: Iterable[Aggregate],
    having: Condition,
    sort_keys: tuple[SortKey, ...],
    projection: tuple[Path, ...],
) -> Grouping:
    """The grouping of a query with those of the known aggregates that something in it speaks of."""
    used = {*projection, *(key.path for key in sort_keys)}
    used |= {node.path for node in nodes(having) if isinstance(node, Compare)}
    kept = {aggregate.name: aggregate for aggregate in known if (aggregate.name,) in used}
    return Grouping(by, tuple([kept[name] for name in sorted(kept)]), having)
