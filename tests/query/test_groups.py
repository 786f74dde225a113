from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from holdall.errors import LimitExceeded, QueryError
from holdall.model import Many, Model, Ref, back, field
from holdall.model.schema import schema_of
from holdall.query import (
    MAX_INT,
    AnyQuery,
    FieldSchema,
    Kind,
    Query,
    Schema,
    Table,
    asc,
    desc,
    evaluate,
    expr,
    format_query,
    parse_query,
    paths_of,
    rows,
    split,
)
from holdall.testing.conformance import tables
from holdall.testing.grouped_strategies import grouped_queries


class Country(Model):
    code: str = field(pk=True)
    name: str


class Author(Model):
    id: int = field(pk=True)
    name: str
    country: Ref[Country | None] = field(default=None)
    books: Many[Book] = back("author")


class Book(Model):
    id: int = field(pk=True)
    title: str
    author: Ref[Author | None] = field(default=None)
    pages: int | None = None
    price: Decimal | None = None


_BOOK: Any = Book
_ROWS: Any = rows()
_SHELF = Schema(
    "shelf",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("kind", Kind.STR, nullable=True),
        *[
            FieldSchema(f"a_{kind}", kind, nullable=True)
            for kind in (Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TIMEDELTA)
        ],
    ),
    key=("id",),
)


def _answer(text: str, *given: tuple[Any, ...]) -> list[Any]:
    width = len(_SHELF.fields)
    filled = [(number, *row, *[None] * (width - 1 - len(row))) for number, row in enumerate(given)]
    return evaluate(parse_query(text), {"shelf": Table(_SHELF, filled)})


def test_groups_have_one_row_each_and_a_missing_value_is_a_group() -> None:
    given = [("a", 1), ("b", 5), ("a", 3), (None, 7), (None, None)]
    found = _answer("shelf group kind sort kind only kind, rows(), count(a_int), sum(a_int), avg(a_int)", *given)
    assert found == [(None, 2, 1, 7, 7.0), ("a", 2, 2, 4, 2.0), ("b", 1, 1, 5, 5.0)]


def test_all_rows_are_one_group_even_where_there_are_none() -> None:
    text = "shelf only rows(), count(a_int), count(distinct a_int), sum(a_int), avg(a_int), min(kind), max(kind)"
    assert _answer(text) == [(0, 0, 0, None, None, None, None)]
    assert _answer("shelf group kind only kind, rows()") == []


def test_groups_equal_in_all_sort_keys_come_by_what_they_are_grouped_by() -> None:
    given = [("b", 1), ("a", 1), ("c", 2)]
    assert _answer("shelf group kind sort -sum(a_int) only kind", *given) == [("c",), ("a",), ("b",)]
    assert _answer("shelf group kind limit 1 offset 1 only kind", *given) == [("b",)]


def test_having_may_ask_for_what_is_not_shown() -> None:
    given = [("a", 1), ("a", 2), ("b", 5)]
    assert _answer("shelf group kind having rows() > 1 and sum(a_int) = 3 only kind", *given) == [("a",)]


def test_sums_of_integers_are_exact_and_refused_beyond_64_bits_where_they_are_given() -> None:
    given = [("a", MAX_INT), ("a", 1)]
    with pytest.raises(LimitExceeded, match=r"sum\(a_int\)"):
        _answer("shelf only sum(a_int)", *given)
    assert _answer("shelf having sum(a_int) > 5 only rows(), avg(a_int)", *given) == [(2, 2.0**62)]


def test_sums_of_floats_that_are_none_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="floats"):
        _answer("shelf only sum(a_float)", ("a", None, 1e308), ("a", None, 1e308))


def test_sums_of_decimals_have_all_digits_and_means_at_least_28() -> None:
    large = Decimal("1" * 40)
    sums = _answer("shelf only sum(a_decimal)", ("a", None, None, large), ("a", None, None, Decimal("1E-40")))
    assert sums == [(Decimal("1" * 40 + "." + "0" * 39 + "1"),)]
    thirds = [("a", None, None, Decimal(number)) for number in (1, 0, 0)]
    assert _answer("shelf only avg(a_decimal)", *thirds) == [(Decimal("0." + "3" * 28),)]
    with pytest.raises(LimitExceeded, match="digits"):
        _answer("shelf only sum(a_decimal)", ("a", None, None, Decimal(1)), ("a", None, None, Decimal("1E-200000")))


def test_timedeltas_are_summed_and_divided_to_microseconds() -> None:
    given = [("a", None, None, None, timedelta(microseconds=number)) for number in (1, 2, 4)]
    found = _answer("shelf only sum(a_timedelta), avg(a_timedelta)", *given)
    assert found == [(timedelta(microseconds=7), timedelta(microseconds=2))]
    with pytest.raises(LimitExceeded, match="timedeltas"):
        _answer("shelf only sum(a_timedelta)", *[("a", None, None, None, timedelta.max)] * 2)


@settings(deadline=None, max_examples=100)
@given(grouped_queries(tables(), "book"))
def test_every_query_of_groups_is_read_back_from_its_text(query: AnyQuery) -> None:
    assert parse_query(format_query(query)) == query


def test_texts_of_groups() -> None:
    for text in (
        "book only rows()",
        "book group author.name only author.name, count(distinct author.country)",
        "book where pages > 1 group author having not sum(pages) in (1, 2) sort -sum(pages) nulls last limit 3",
        "`group` group `group`.`having` having count(distinct) > 1",
    ):
        query = parse_query(text)
        assert parse_query(format_query(query)) == query, text
    assert format_query(parse_query("book group group only group, having")) == "book group group only group, having"


@pytest.mark.parametrize(
    "text", ["book where rows() > 1", "book only total(pages)", "book only sum(pages", "book only sum()"]
)
def test_texts_that_are_no_query_of_groups(text: str) -> None:
    with pytest.raises(QueryError):
        parse_query(text)


def test_two_queries_of_groups_share_a_shape_where_only_values_differ() -> None:
    one = parse_query("book where pages > 1 group author having sum(pages) > 2 sort rows() limit 3")
    other = parse_query("book where pages > 4 group author having sum(pages) > 5 sort rows() limit 6")
    assert split(one)[0] == split(other)[0]
    assert split(one)[1] == [1, 2, 3]
    for different in ("having avg(pages) > 2 sort rows()", "having sum(pages) < 2 sort rows()", ""):
        assert split(parse_query(f"book where pages > 1 group author {different} limit 3"))[0] != split(one)[0]


def test_paths_of_groups_are_those_that_are_read() -> None:
    query = parse_query("book where pages > 1 group author.name having rows() > 2 sort max(id) only sum(price)")
    assert sorted(set(paths_of(query))) == [("author", "name"), ("id",), ("pages",), ("price",)]


def test_a_query_is_written_with_fields() -> None:
    books = Book.where(Book.id > 1).group_by(Book.author, _BOOK.author.country.name)
    total = _BOOK.pages.sum()
    query = books.only(Book.author, total).having(total > 100, rows() >= 2).sort(desc(total), asc(Book.author)).limit(2)
    assert format_query(query) == (
        "book where id > 1 group author, author.country.name having sum(pages) > 100 and rows() >= 2"
        " sort -sum(pages), author limit 2 only author, sum(pages)"
    )
    assert parse_query(format_query(query)) == msgspec.structs.replace(query, model=None)


def test_distinct_rows_are_groups_by_all_columns() -> None:
    query = Book.where().only(Book.pages, Book.title).sort(Book.title).distinct()
    assert format_query(query) == "book group pages, title sort title only pages, title"
    assert format_query(Book.where().group_by(Book.pages).distinct()) == "book group pages only pages"


_WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Book.where().only(Book.title, _BOOK.pages.sum()), "title is neither grouped nor aggregated"),
    (lambda: Book.where().group_by(Book.pages).only(Book.title), "title is neither grouped nor aggregated"),
    (lambda: Book.where().group_by(Book.pages).sort(Book.title), "title is neither grouped nor aggregated"),
    (lambda: Book.where().sort(Book.title).only(rows()), "title is neither grouped nor aggregated"),
    (lambda: Book.where(_BOOK.pages.sum() > 1), "is an aggregate"),
    (lambda: Author.where(expr(Author.books).any(_BOOK.pages.sum() > 1)), "is an aggregate"),
    (lambda: Book.where().sort(_BOOK.pages.sum()), "is an aggregate"),
    (lambda: Book.where().group_by(_BOOK.pages.sum()), "groups are made by fields"),
    (lambda: Book.where().group_by(), "at least one field"),
    (lambda: Book.where().only(Book.title).group_by(Book.title), "comes once, before"),
    (lambda: Book.where().having(_BOOK.pages.sum() > 1), "asks for groups"),
    (lambda: Book.where().group_by(Book.pages).having(_BOOK.pages > 1), "belongs in where"),
    (lambda: Book.where().group_by(Book.pages).having((rows() > 1) & (_BOOK.id > 1)), "id is neither grouped"),
    (lambda: Book.where().group_by(Book.pages).having(_BOOK.author.name.max() == 1), "must be text"),
    (lambda: Book.where().group_by(Book.pages).having(expr(Author.id).sum() > 1), "is a field of Author"),
    (lambda: Book.where().only(expr(Author.id).sum()), "is a field of Author"),
    (lambda: Book.where().group_by(Book.pages).sort(desc(expr(Author.id).sum())), "is a field of Author"),
    (lambda: Book.where().group_by(Book.pages).having(expr(Author.books).any(Book.id == 1)), "belong in where"),
    (lambda: Book.where().group_by(Book.pages).having(_ROWS), "alone is no condition"),
    (lambda: Book.where().group_by(Book.pages).after(1), "groups have no position"),
    (lambda: Book.where().distinct(), r"rows of only\(\)"),
    (lambda: Book.where().only(Book.title).sort(Book.id).distinct(), r"add id to only\(\)"),
    (lambda: Book.where().group_by(Book.pages).only(rows()).distinct(), "put every field"),
    (lambda: expr(Author.books).count(), "leads to many records"),
    (lambda: rows() > "1", "whole numbers"),
    (lambda: _BOOK.pages.sum() == Book.id, "another column"),
    (lambda: bool(rows()), "alone is no condition"),
]


@pytest.mark.parametrize("write, words", _WRONG)
def test_what_is_refused_when_a_query_is_written(write: Callable[[], object], words: str) -> None:
    with pytest.raises(QueryError, match=words):
        write()


def test_a_query_of_groups_is_checked_against_schemas() -> None:
    names = {Country: "country", Author: "author", Book: "book"}
    found = {name: Table(schema_of(model, name, lambda other: names[other]), []) for model, name in names.items()}
    for text, words in (
        ("book only sum(title)", "takes numbers"),
        ("book only min(author)", "has an order"),
        ("author only count(books)", "no single value"),
        ("book group author only author, pages", "neither grouped nor aggregated"),
        ("book group author having sum(pages) > 1.5", "is int"),
        ("book group author sort author after (1)", "no position"),
        ("book group author having some author (id = 1) and rows() > 1", "belong in where"),
    ):
        with pytest.raises(QueryError, match=words):
            evaluate(parse_query(text), found)
    query: Query[Any] = Book.where().only(_BOOK.author.country.count(distinct=True))
    assert evaluate(query, found) == [(0,)]
