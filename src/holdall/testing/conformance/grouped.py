"""Groups and aggregates, against ``evaluate``: every function on every kind, edges of kinds, any query at random."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from math import isclose

import pytest

from holdall.errors import LimitExceeded, QueryError
from holdall.query import (
    MAX_INT,
    AnyQuery,
    Kind,
    Row,
    Schema,
    Table,
    Value,
    columns_schema,
    evaluate,
    parse_query,
    query_of_columns,
)
from holdall.query.ordering import is_ordered
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.exact import same_rows
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.requires import requires
from holdall.testing.grouped_strategies import aggregates_of, grouped_queries

__all__ = ["Grouped"]


class Grouped:
    """Answers of ``fetch`` to queries with a grouping."""

    grouped_examples = 60
    """How many queries of groups a test draws."""

    @requires(Feature.AGGREGATES, Feature.FILTER)
    def test_every_aggregate(self, case: Case) -> None:
        """Every function on every field it fits: of all rows, of none, and of groups."""
        case.load()
        for name in ("sample", "book", "author"):
            for aggregate in aggregates_of(case.schemas, case.schemas[name], 0):
                column = aggregate.name
                expect_groups(case, parse_query(f"{name} only {column}"))
                expect_groups(case, parse_query(f"{name} where or() only {column}"))
                if name == "sample":
                    groups = f"{name} group maybe_bool sort {column} only maybe_bool, {column}"
                    expect_groups(case, parse_query(groups))

    @requires(Feature.AGGREGATES)
    def test_groups_of_every_kind(self, case: Case) -> None:
        """Groups by every field that has single values, missing ones as a group of their own, sorted and not."""
        case.load()
        for field in case.schemas["sample"].stored:
            if field.kind is not Kind.JSON:
                expect_groups(case, parse_query(f"sample group {field.name} only {field.name}, rows()"))
                expect_groups(case, parse_query(f"sample group {field.name} sort -{field.name} only {field.name}"))
                expect_groups(case, parse_query(f"sample group {field.name} limit 3 offset 1"))

    @requires(Feature.AGGREGATES)
    def test_having(self, case: Case) -> None:
        """Conditions on groups, also by what is not shown, and the part of the groups that meets them."""
        case.load()
        for having in (
            "rows() > 10",
            "not rows() > 10",
            "sum(id) < 0 or count(maybe_str) = 0",
            "avg(id) > 4.5",
            "max(some_str) is null",
            "count(distinct some_int) in (1, 2, 3, 4, 5, 6, 7)",
            "min(id) between -20 and -15 and rows() != 3",
        ):
            for rest in ("", "sort -rows(), some_bool limit 2 ", "sort avg(id) limit 1 offset 1 "):
                text = f"sample group some_bool, maybe_int having {having} {rest}only maybe_int, some_bool"
                expect_groups(case, parse_query(text))

    @requires(Feature.AGGREGATES)
    def test_parts_of_groups(self, case: Case) -> None:
        """The first groups by counts and sums, missing ones placed, equal ones by what they are grouped by."""
        case.load()
        for sort in (
            "-rows()",
            "count(maybe_str), -some_bool",
            "-sum(maybe_int)",
            "sum(maybe_int) nulls last, rows()",
            "-sum(maybe_int) nulls first",
            "maybe_int nulls last",
            "-count(distinct some_int), avg(id)",
            "-max(some_str)",
        ):
            for part in ("limit 0", "limit 3", "limit 2 offset 2", "limit 100 offset 1"):
                columns = "maybe_int, rows(), some_bool, avg(some_int)"
                expect_groups(case, parse_query(f"sample group maybe_int, some_bool sort {sort} {part} only {columns}"))

    @requires(Feature.AGGREGATES, Feature.FILTER, Feature.RELATIONS)
    def test_through_references(self, case: Case) -> None:
        """Groups by and aggregates of what references lead to, missing ones among them."""
        case.load()
        for text in (
            "book group author.name sort author.name only author.name, rows(), count(author.country.code)",
            "book group author.country only author.country, max(author.born), count(distinct author)",
            "book where author.country.code is not null only count(distinct author.country.name), min(author.name)",
            "author group mentor.mentor.country.name having count(id) >= 1 sort -count(id) limit 3",
        ):
            expect_groups(case, parse_query(text))

    @requires(Feature.AGGREGATES, Feature.FILTER)
    def test_any_groups(self, case: Case) -> None:
        """Queries of groups drawn at random."""
        case.load()
        operators = case.store.capabilities.operators
        depth = 2 if case.declares(Feature.RELATIONS) else 0
        for name in ("sample", "book"):
            strategy = partial(grouped_queries, case.tables, name, operators, depth)
            drawn_alike(case, ("groups", name), strategy, self.grouped_examples, partial(expect_groups, case))

    @requires(Feature.AGGREGATES)
    def test_large_integers(self, case: Case) -> None:
        """Sums on the edge of 64 bits are exact, those beyond are refused, and a mean has no such edge."""
        large = MAX_INT
        for numbers in ((large, -1), (large, large, -large), (large, 1), (-large, -1), (large, large, 7)):
            _hold(case, "sample", some_int=numbers)
            for columns in ("sum(some_int)", "avg(some_int)", "max(some_int), min(some_int)"):
                expect_groups(case, parse_query(f"sample only {columns}"))
            expect_groups(case, parse_query("sample group some_bool having avg(some_int) > 1.5 only avg(some_int)"))
            expect_groups(case, parse_query("sample group some_bool having sum(some_int) > 5 only rows()"))

    @requires(Feature.AGGREGATES, Feature.FILTER, Kind.FLOAT)
    def test_floats(self, case: Case) -> None:
        """Sums of floats that are exact in any order; one that is beyond all floats is refused."""
        for numbers in ((0.5, -2.25, 1024.125), (2.0**52, 1.0), (-0.0, 0.0), (1e308, -3.5), (1e308, 1e308)):
            _hold(case, "sample", some_float=numbers)
            for columns in ("sum(some_float)", "avg(some_float)", "min(some_float), max(some_float)"):
                expect_groups(case, parse_query(f"sample only {columns}"))
        _hold(case, "sample", some_float=(0.5, 0.25, 3.5))
        expect_groups(case, parse_query("sample group some_bool having sum(some_float) > 4.0 only avg(some_float)"))
        expect_groups(case, parse_query("sample group id sort -sum(some_float) limit 2 only id, sum(some_float)"))

    @requires(Feature.AGGREGATES, Kind.DECIMAL)
    def test_decimals(self, case: Case) -> None:
        """Sums of decimals have all digits, means the digits that are written down."""

        for texts in (
            ("0.1", "0.2"),
            ("99999999999999.9999", "0.0001"),
            ("1", "0", "0"),
            ("-0.0001", "0.0002", "0.0002"),
        ):
            _hold(case, "sample", some_decimal=tuple(map(Decimal, texts)))
            expect_groups(case, parse_query("sample only sum(some_decimal), avg(some_decimal), max(some_decimal)"))
            expect_groups(case, parse_query("sample only count(distinct some_decimal)"))
            for text in ('sum(some_decimal) > decimal"0.2"', 'avg(some_decimal) < decimal"0.3333333333333"'):
                expect_groups(
                    case, parse_query(f"sample group some_bool having {text} sort sum(some_decimal) only rows()")
                )

    @requires(Feature.AGGREGATES)
    def test_wrong_groups(self, case: Case) -> None:
        """A query of groups that does not fit the collections is refused with QueryError before it is sent."""
        for text in (
            "sample group nothing only rows()",
            "sample only sum(nothing)",
            "sample only sum(some_str)",
            "sample only avg(some_bool)",
            "sample only some_int, rows()",
            "sample group some_int sort some_str only rows()",
            'sample group some_int having sum(some_int) > "1" only rows()',
            "sample group some_int having some_str = 1 and rows() > 1 only some_int",
            "country only sum(authors)",
        ):
            with pytest.raises(QueryError):
                case.fetch(parse_query(text))


def expect_groups(case: Case, query: AnyQuery) -> None:
    """See that the store gives what ``evaluate`` does, or refuses what that refuses; floats to 12 digits."""
    try:
        wanted = evaluate(query, case.tables)
    except LimitExceeded:
        with pytest.raises(LimitExceeded):
            case.fetch(query)
        return
    columns = columns_schema(query, case.schemas)
    fields = [columns.field(name) for (name,) in query_of_columns(query).projection]
    found = [_rounded(row, wanted) for row in case.fetch(query)]
    same_rows(fields, found, wanted, is_ordered(query), query)


def _rounded(row: Row, wanted: list[Row]) -> Row:
    """The row, or one that is wanted and differs from it only in the last digits of floats."""
    for other in wanted:
        if len(other) == len(row) and all(map(_is_near, row, other)):
            return other
    return row


def _is_near(one: Value, other: Value) -> bool:
    if type(one) is float and type(other) is float:
        return isclose(one, other, rel_tol=1e-12)
    return type(one) is type(other) and bool(one == other)


def _hold(case: Case, collection: str, **columns: Row) -> None:
    """Let the store hold the first rows of a collection with these values, and nothing else."""
    table = case.fixed_tables()[collection]
    schema: Schema = table.schema
    number = len(next(iter(columns.values())))
    rows = []
    for place, row in enumerate(table.rows[:number]):
        changed = list(row)
        for name, values in columns.items():
            changed[schema.positions[name]] = values[place]
        rows.append(tuple(changed))
    case.load({name: Table(each, rows if name == collection else []) for name, each in case.schemas.items()})
