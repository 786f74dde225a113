"""Formulas, against ``evaluate``: each function on each kind, wherever a field may stand, and any formula at random."""

from __future__ import annotations

from functools import partial
from math import isclose

import pytest

from holdall.errors import QueryError
from holdall.query import (
    AnyQuery,
    Compare,
    Condition,
    Kind,
    Not,
    Op,
    Path,
    Query,
    Row,
    SortKey,
    Value,
    evaluate,
    operators_of,
    parse_condition,
    parse_query,
    resolve,
)
from holdall.query.ordering import is_ordered
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.exact import same_rows
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.grouped import expect_groups
from holdall.testing.conformance.requires import requires
from holdall.testing.formula_strategies import every_formula, formulas
from holdall.testing.pool import POOL

__all__ = ["Computing"]

_KEY: tuple[Path, ...] = (("id",),)


class Computing:
    """Answers of ``fetch`` to queries with formulas."""

    formula_examples = 60
    """How many formulas a test draws."""
    values_apart = 1
    """1: half of all functions are compared with values. 2: so they are, by every other comparison. 3: a sixth."""

    @requires(Feature.EXPRESSIONS, Feature.PROJECTION)
    def test_every_function(self, case: Case) -> None:
        """Each function on each kind, its values as they are."""
        case.load()
        made = every_formula(case.schemas["sample"])
        for start in range(0, len(made), 10):
            expect_values(case, Query("sample", projection=(*_KEY, *made[start : start + 10])))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Op.EQ, Op.NE, Op.LT, Op.GE, Op.IN, Op.IS_NULL)
    def test_conditions(self, case: Case) -> None:
        """Each function compared with values, and the negation."""
        case.load()
        schema = case.schemas["sample"]
        for place, path in enumerate(every_formula(schema)[:: 2 if self.values_apart < 3 else 6]):
            kind = resolve(case.schemas, schema, path)[-1][1].kind
            pool = POOL[kind][:: max(len(POOL[kind]) // 3, 1)]
            ops = sorted(operators_of(kind) & {Op.EQ, Op.NE, Op.LT, Op.GE})
            uses = [Compare(path, op, pool[0]) for op in ops]
            uses.append(Compare(path, Op.IN, tuple(pool)))
            asked: list[Condition] = [*uses, Compare(path, Op.IS_NULL, True), *map(Not, uses[::2])]
            case.expect_keys("sample", *(asked[place % 2 :: 2] if self.values_apart == 2 else asked))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Op.EQ)
    def test_letter_case(self, case: Case) -> None:
        """Texts compared without regard to case."""
        case.load()
        folded = [path for path in every_formula(case.schemas["sample"]) if str(path[0]).startswith("fold(")]
        texts = [text.casefold() for text in POOL[Kind.STR]]
        case.expect_keys("sample", *[Compare(path, Op.EQ, text) for path in folded for text in texts])

    @requires(Feature.EXPRESSIONS, Feature.SORT, Feature.PROJECTION)
    def test_sorts(self, case: Case) -> None:
        """Rows sorted by each function, missing values placed, and parts of them."""
        case.load()
        schema = case.schemas["sample"]
        for path in every_formula(schema)[::3]:
            if resolve(case.schemas, schema, path)[-1][1].kind is not Kind.JSON:
                case.expect(Query("sample", sort_keys=(SortKey(path, descending=True),), max_rows=7, projection=_KEY))
                case.expect(Query("sample", sort_keys=(SortKey(path, nulls="last"),), projection=_KEY))

    @requires(Feature.EXPRESSIONS, Feature.AGGREGATES)
    def test_groups(self, case: Case) -> None:
        """Groups by formulas, and aggregates of formulas."""
        case.load()
        for text in (
            "sample group lower(some_str) only lower(some_str), rows()",
            "sample group mod(id, 7) sort mod(id, 7) only mod(id, 7), sum(mul(some_int, 2)), max(length(some_str))",
            "sample group year(some_date), maybe_bool having count(add(maybe_int, 1)) > 1 limit 3",
            "sample only sum(add(some_int, maybe_int)), avg(length(some_str)), count(distinct fold(some_str))",
            'sample group coalesce(maybe_str, "-") sort -rows() limit 4 only coalesce(maybe_str, "-"), rows()',
            "sample group gt(some_int, maybe_int) only gt(some_int, maybe_int), min(sub(some_int, maybe_int))",
        ):
            expect_groups(case, parse_query(text))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Feature.RELATIONS, Feature.SORT, Feature.PROJECTION)
    def test_through_references(self, case: Case) -> None:
        """Formulas of what references lead to, missing ones among them."""
        case.load()
        for text in (
            "book where title = author.name",
            "book where title != author.name or author.country.name < author.name",
            "author where mentor.born < born",
            "author where country = mentor.country and not country.name > mentor.name",
            'book where fold(author.name) startswith "é" sort length(author.name), title',
            "book sort -coalesce(author.country.population, 0) limit 5 only id, upper(author.country.name)",
            "book only id, sub(author.born, author.mentor.born), concat(title, author.name)",
        ):
            case.expect(parse_query(text))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Feature.MANY_CONDITIONS, Feature.RELATIONS)
    def test_over_many(self, case: Case) -> None:
        """Formulas of the records of a Many."""
        case.load()
        for text in (
            "some books (title = author.name)",
            "every books (length(title) > 2)",
            "not some pupils (born < mentor.born) and length(name) > 1",
        ):
            case.expect_keys("author", parse_condition(text))

    @requires(Feature.EXPRESSIONS, Feature.SORT, Feature.KEYSET, Feature.PROJECTION)
    def test_positions(self, case: Case) -> None:
        """Rows after a position in an order by a formula."""
        case.load()
        for text in ('lower(some_str), id after ("a", 3)', "-add(maybe_int, id), id after (null, 0)"):
            case.expect(parse_query(f"sample sort {text} only id"))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Feature.PROJECTION)
    def test_any_formula(self, case: Case) -> None:
        """Formulas drawn at random: their values, and what is missing."""
        case.load()
        depth = 2 if case.declares(Feature.RELATIONS) else 0
        for name in ("sample", "book"):
            key = tuple((part,) for part in case.schemas[name].key)

            def look(path: Path, name: str = name, key: tuple[Path, ...] = key) -> None:
                expect_values(case, Query(name, projection=(*key, path)))
                case.expect_keys(name, Compare(path, Op.IS_NULL, True))

            asked = partial(formulas, case.tables, name, depth)
            drawn_alike(case, ("formula", name), asked, self.formula_examples, look)

    @requires(Feature.EXPRESSIONS, Feature.FILTER)
    def test_wrong_formulas(self, case: Case) -> None:
        """A formula that does not fit the collections is refused with QueryError before it is sent."""
        case.load()
        for text in (
            "add(some_str, 1) = 2",
            "div(some_decimal, 2) = 1.5",
            "add(some_float, some_decimal) > 1",
            "floordiv(some_float, 2) = 1",
            "year(some_str) = 2000",
            "some_int = some_str",
            "some_json < some_json",
            'lower(nothing) = "a"',
            'length(some_str) = "1"',
            'at(some_str, "a") is null',
            "matches(some_str, some_str) = true",
            'matches(some_str, "(a+)+") = true',
            'matches(some_str, "(?=a)") = true',
            "round(some_float, 99) = 1.0",
            "outer(some_int) = 1",
        ):
            with pytest.raises(QueryError):
                case.fetch(Query("sample", parse_condition(text)))


def expect_values(case: Case, query: AnyQuery) -> None:
    """See that the store gives what ``evaluate`` does; floats to 12 digits."""
    wanted = evaluate(query, case.tables)
    found = case.fetch(query)
    places = [place for place, field in enumerate(case.fields_of(query)) if field.kind is Kind.FLOAT]
    by_key = {row[0]: row for row in wanted}
    rounded = [_near(row, by_key.get(row[0]), places) for row in found]
    same_rows(case.fields_of(query), rounded, wanted, is_ordered(query), query)


def _near(row: Row, wanted: Row | None, places: list[int]) -> Row:
    """The row with the floats that are wanted, where its own differ from them only in the last digits."""
    if wanted is None:
        return row
    return tuple(
        [
            _chosen(one, two) if place in places else one
            for place, (one, two) in enumerate(zip(row, wanted, strict=True))
        ]
    )


def _chosen(found: Value, wanted: Value) -> Value:
    is_float = type(found) is float and type(wanted) is float
    return wanted if is_float and isclose(found, wanted, rel_tol=1e-12) else found
