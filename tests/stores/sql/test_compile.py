from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall.errors import LimitExceeded, QueryError
from holdall.query import And, Compare, Condition, Every, Not, Op, Or, Path, Query, Some, SortKey, count, evaluate
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE, Dialect
from holdall.stores.sql.shape import bucket
from holdall.stores.sql.tables import Tables
from holdall.testing.conformance.world import SCHEMAS, tables
from holdall.testing.strategies import queries
from tests.support.draws import draws
from tests.support.sql_world import World

WORLD = World()
TEXTS = st.sampled_from(["", "a", "\U0010ffff", "a\U0010ffff", "\ud7ff", "%", "_", "a%", "é", "Ж", "it's"])


def compiler(dialect: Dialect = SQLITE) -> Compiler:
    bound = Tables(dialect)
    bound.bind(list(SCHEMAS.values()))
    return Compiler(bound)


def is_same(query: Query[Any]) -> bool:
    found, wanted = WORLD.fetch(query), evaluate(query, tables())
    if not query.sort_keys and query.max_rows is None and not query.skip:
        found, wanted = sorted(found, key=repr), sorted(wanted, key=repr)
    return found == wanted


@settings(max_examples=draws(60, 150), deadline=None, suppress_health_check=list(HealthCheck))
@given(queries(tables()))
def test_rows_and_counts_are_those_of_evaluate(query: Query[Any]) -> None:
    assert is_same(query)
    assert WORLD.count(query) == count(query, tables())


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from([Op.STARTSWITH, Op.ENDSWITH, Op.CONTAINS, Op.ICONTAINS]), st.booleans())
def test_texts_at_the_edge(text: str, op: Op, is_negated: bool) -> None:
    condition: Condition = Compare(("title",), op, text)
    assert is_same(Query("book", Not(condition) if is_negated else condition))


KEYS = st.lists(
    st.builds(
        SortKey,
        st.sampled_from([("series",), ("volume",), ("price",), ("author", "born"), ("title",), ("id",)]),
        st.booleans(),
        st.sampled_from([None, "first", "last"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=draws(40, 100), deadline=None)
@given(KEYS, st.booleans(), st.integers(0, 39))
def test_positions_go_on_where_a_page_ended(keys: list[SortKey], is_one_way: bool, place: int) -> None:
    if is_one_way:
        keys = [SortKey(key.path, keys[0].descending, key.nulls) for key in keys]
    query: Query[Any] = Query("book", sort_keys=tuple(keys), projection=tuple(key.path for key in keys))
    position = evaluate(query, tables())[place]
    assert is_same(query.after(*position))
    assert is_same(query.after(*position[:-1], None))


@pytest.mark.parametrize(
    "condition",
    [
        Compare(("seen_on",), Op.IS_NULL, True),
        Compare(("nothing",), Op.EQ, 1),
        Compare(("title",), Op.EQ, 1),
        Compare(("volume",), Op.EQ, 2**63),
        Compare(("volume",), Op.IN, 5),
        Compare(("title", "id"), Op.EQ, 1),
        Some(("author",), And(())),
    ],
)
def test_what_does_not_fit_is_refused(condition: Condition) -> None:
    with pytest.raises(QueryError):
        compiler().query(Query("book", condition))


def test_a_wrong_value_is_refused_also_where_the_shape_is_known() -> None:
    known = compiler()
    known.query(Query("book", Compare(("volume",), Op.EQ, 1)))
    known.query(Query("book", Compare(("volume",), Op.IN, (1, 2))))
    known.query(Query("book", Compare(("volume",), Op.BETWEEN, (1, 2))))
    known.query(Query("book", sort_keys=(SortKey(("volume",)),), position=(1,)))
    for condition in (
        Compare(("volume",), Op.EQ, "1"),
        Compare(("volume",), Op.IN, (1, "2")),
        Compare(("volume",), Op.BETWEEN, (1, None)),
    ):
        with pytest.raises(QueryError):
            known.query(Query("book", condition))
    with pytest.raises(QueryError):
        known.query(Query("book", sort_keys=(SortKey(("volume",)),), position=("1",)))


def test_depth_is_refused_before_the_stack_is() -> None:
    condition: Condition = Compare(("volume",), Op.EQ, 1)
    for _ in range(10_000):
        condition = Not(condition)
    with pytest.raises(LimitExceeded):
        compiler().query(Query("book", condition))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(queries(tables()), st.sampled_from([SQLITE, POSTGRESQL]))
def test_values_never_enter_the_text(query: Query[Any], dialect: Dialect) -> None:
    statement = compiler(dialect).query(query)
    assert compiler(dialect).query(query) == statement or statement.decode is not None
    for value in statement.parameters:
        if isinstance(value, str) and len(value) > 3:
            assert value not in statement.sql


def test_a_shape_is_compiled_once() -> None:
    built = compiler()
    first = built.query(Query("book", Compare(("title",), Op.EQ, "a")).limit(1))
    second = built.query(Query("book", Compare(("title",), Op.EQ, "b")).limit(2))
    assert second.sql is first.sql
    assert (first.parameters, second.parameters) == (("a", 1, 0), ("b", 2, 0))
    listed = {built.query(Query("book", Compare(("volume",), Op.IN, tuple(range(n))))).sql for n in range(2, 9)}
    assert len(listed) == 1


def test_binding_more_makes_plans_anew() -> None:
    bound = Tables(SQLITE)
    bound.bind([SCHEMAS["country"]])
    built = Compiler(bound)
    first = built.query(Query("country"))
    bound.bind([SCHEMAS["author"]])
    assert built.query(Query("country")).sql is not first.sql
    with pytest.raises(QueryError, match="book"):
        built.query(Query("book"))


@pytest.mark.parametrize("path", [("isbn",), ("series", "volume")])
def test_paths_that_have_an_index_use_it(path: Path) -> None:
    conditions = tuple(Compare((name,), Op.EQ, 1 if name == "volume" else "x") for name in path)
    assert "USING INDEX" in WORLD.plan(Query("book", And(conditions)))


def test_texts_and_positions_use_the_index() -> None:
    assert "isbn>? AND isbn<?" in WORLD.plan(Query("book", Compare(("isbn",), Op.STARTSWITH, "is")))
    by_key = (SortKey(("room",)), SortKey(("number",)))
    plan = WORLD.plan(Query("shelf", sort_keys=by_key, position=("north", 0), max_rows=3))
    assert "SEARCH" in plan
    assert "TEMP B-TREE" not in plan


def test_a_path_is_joined_once() -> None:
    code = Compare(("author", "country", "name"), Op.EQ, "a")
    query: Query[Any] = Query(
        "book", code, (SortKey(("author", "country", "population")),), projection=(("author", "name"),)
    )
    assert compiler().query(query).sql.count("JOIN") == 2
    assert "JOIN" not in compiler().count(Query("book", sort_keys=query.sort_keys)).sql


def test_the_same_collection_twice() -> None:
    same_country: Query[Any] = Query(
        "author",
        And(
            (
                Compare(("mentor", "mentor", "country"), Op.NE, "FR"),
                Every(("pupils",), Some(("pupils",), Compare(("mentor", "mentor"), Op.IS_NULL, False))),
                Not(Some(("mentor", "pupils"), Or(()))),
            )
        ),
        (SortKey(("mentor", "name"), True, "last"), SortKey(("name",))),
    )
    assert is_same(same_country)


def test_lists_get_room_by_powers_of_two() -> None:
    assert [bucket(length) for length in (0, 1, 2, 3, 4, 5, 1000)] == [0, 1, 2, 4, 4, 8, 1024]
