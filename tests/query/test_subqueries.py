from __future__ import annotations

import pytest

from holdall.errors import QueryError
from holdall.query import (
    Exists,
    Op,
    evaluate,
    format_condition,
    format_query,
    parse_condition,
    parse_query,
    paths_of,
    split,
)
from holdall.testing.conformance import tables

_TEXTS = (
    "exists (author)",
    "exists (author where id = outer(author) and age > 3)",
    "not author.country in (country where population > 1 sort -code limit 3 offset 1 only code)",
    "lower(title) in (author only lower(name)) or exists (book where exists (author where id = outer(author)))",
    "some books (author in (author only id))",
)


@pytest.mark.parametrize("text", _TEXTS)
def test_text_is_read_back(text: str) -> None:
    condition = parse_condition(text)
    assert parse_condition(format_condition(condition)) == condition
    query = parse_query(f"book where {text} sort title limit 3")
    assert format_query(query) == f"book where {format_condition(condition)} sort title limit 3"


@pytest.mark.parametrize(
    "text", ["exists ()", "exists (author", "author in (author where)", "exists (1)", "exists author"]
)
def test_what_is_no_query_within_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_condition(text)


def test_paths_are_those_of_the_record_that_is_asked() -> None:
    query = parse_query(
        'book where author.id in (author where name = "x" only id) and exists (author where id = outer(shelf))'
    )
    assert list(paths_of(query)) == [("author", "id"), ("shelf",)]


def test_shapes_leave_values_out_and_keep_their_order() -> None:
    one, two = (
        parse_query(
            f"book where volume > {n} and author in (author where id > {n + 1} limit {n + 2} only id) limit {n + 3}"
        )
        for n in (1, 10)
    )
    assert split(one)[0] == split(two)[0]
    assert split(two)[1] == [10, 11, 12, 13]


def test_missing_values_are_among_no_rows() -> None:
    asked = parse_query("author where mentor in (author only mentor) only id")
    known = {row[0] for row in evaluate(parse_query("author where mentor is not null only id"), tables())}
    assert {row[0] for row in evaluate(asked, tables())} == known
    assert isinstance(asked.condition, Exists)
    assert asked.condition.path == ("mentor",)
    assert Op.IN.value not in format_condition(parse_condition("exists (author)"))
