"""Queries within queries, against ``evaluate``: values among rows, rows that are there, the record around."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import strategies as st

from holdall.errors import QueryError
from holdall.query import AnyQuery, Condition, Exists, Kind, Not, Query, parse_condition, parse_query, resolve
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.requires import requires
from holdall.testing.strategies import conditions, paths

__all__ = ["WithinQueries"]


class WithinQueries:
    """Answers of ``fetch`` to conditions that hold a query."""

    within_examples = 40
    """How many queries within queries a test draws."""

    @requires(Feature.SUBQUERIES, Feature.FILTER)
    def test_values_among_rows(self, case: Case) -> None:
        """Values that are those of a column, of a part of the rows, too; missing ones on either side are none."""
        case.load()
        for name, text in (
            ("book", 'author in (author where name contains "a" only id)'),
            ("book", "not author in (author where born is null only id)"),
            ("book", "title in (author only name) or title in (country only name)"),
            ("book", "author.country in (country where population > 1 only code)"),
            ("book", "volume in (book where volume > 3 only volume)"),
            ("book", "shelf in (book where price > 0 only shelf)"),
            ("author", "id in (author sort -born, id limit 4 only id)"),
            ("author", "not id in (author sort name limit 3 offset 2 only mentor)"),
            ("author", "country in (author where mentor is not null only mentor.country)"),
            ("author", "length(name) in (book only length(title))"),
            ("country", "some authors (id in (book where title = author.name only author))"),
        ):
            condition = parse_condition(text)
            case.expect_keys(name, condition, Not(condition))

    @requires(Feature.SUBQUERIES, Feature.FILTER)
    def test_rows_that_are_there(self, case: Case) -> None:
        """Rows of a query that speaks of the record around, by equality and otherwise, several levels down."""
        case.load()
        for name, text in (
            ("author", "exists (book where author = outer(id))"),
            ("author", "exists (book where author = outer(id) and title != outer(name) offset 1)"),
            ("author", "exists (author where born < outer(born) and country = outer(country))"),
            ("author", "exists (book where length(title) > length(outer(name)) limit 0)"),
            ("country", "exists (author where country = outer(code) and exists (book where author = outer(id)))"),
            ("country", "exists (book where author.country = outer(code) and author.name > outer(name))"),
            ("book", "exists (book where author = outer(author) and volume > outer(volume))"),
            ("book", "exists (author where id = outer(author.mentor.id) and some books (volume > 3))"),
            ("book", 'exists (country where population > 10) and title > "a"'),
            ("book", 'exists (country where name = "nowhere")'),
        ):
            condition = parse_condition(text)
            case.expect_keys(name, condition, Not(condition))

    @requires(Feature.SUBQUERIES, Feature.FILTER, Feature.RELATIONS)
    def test_any_query_within(self, case: Case) -> None:
        """Queries within queries drawn at random."""
        case.load()
        for name in ("book", "author"):
            asked = partial(_drawn, case, name)
            drawn_alike(case, ("within", name), asked, self.within_examples, partial(case.expect_keys, name))

    @requires(Feature.SUBQUERIES, Feature.FILTER)
    def test_wrong_queries_within(self, case: Case) -> None:
        """A query within a query that does not fit is refused with QueryError before it is sent."""
        case.load()
        for text in (
            "author in (author only id, name)",
            "author in (author)",
            "author in (author only name)",
            "author in (nowhere only id)",
            *(["author in (book group author only author)"] if case.declares(Feature.AGGREGATES) else []),
            "exists (author where id = outer(nothing))",
            "exists (author where id = outer(title))",
            "exists (author where nothing = 1)",
            "title = outer(title)",
        ):
            with pytest.raises(QueryError):
                case.fetch(Query("book", parse_condition(text)))

    @requires(Feature.SUBQUERIES, Feature.FILTER, Feature.SORT, Feature.PROJECTION)
    def test_parts_around(self, case: Case) -> None:
        """The values of all queries stand where they belong, whatever comes before and after."""
        case.load()
        inner = 'author where name contains "a" and id > 3 sort -id limit 5 only id'
        text = f'book where volume > 2 and author in ({inner}) and title != "x" sort title limit 4 offset 1 only id'
        case.expect(parse_query(text))
        case.expect(parse_query(text.replace("limit 5", "limit 2").replace("id > 3", "id > 6")))


def _drawn(case: Case, name: str) -> st.SearchStrategy[Condition]:
    operators = case.store.capabilities.operators
    kinds = frozenset(Kind) - {Kind.JSON, Kind.MANY}
    schema = case.schemas[name]

    @st.composite
    def draw(draw: st.DrawFn) -> Condition:
        path = draw(st.sampled_from(paths(case.schemas, schema, kinds, 1)))
        field = resolve(case.schemas, schema, path)[-1][1]
        columns = [
            (other, column)
            for other in sorted(case.schemas)
            for column in paths(case.schemas, case.schemas[other], {field.kind}, 1)
            if resolve(case.schemas, case.schemas[other], column)[-1][1].target_key == field.target_key
        ]
        other, column = draw(st.sampled_from(columns))
        condition = draw(conditions(case.tables, other, operators, 1, with_many=False, levels=1))
        query: AnyQuery = Query(other, condition, projection=(column,))
        if draw(st.booleans()):
            query = query.limit(draw(st.integers(0, 5)))
        found = Exists(query, path)
        return Not(found) if draw(st.booleans()) else found

    return draw()
