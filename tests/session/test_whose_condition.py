"""A condition, a sort key or a projection belongs to a model, and only queries of that model take it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import Holdall, Many, Model, Ref, asc, back, desc, field
from holdall.errors import QueryError, ValidationError
from holdall.query import And, Compare, Condition, Node, Not, Op, Or, Query, Some, negate

pytestmark = pytest.mark.anyio


class Stamped(Model, abstract=True):
    made: int = field(default=0)


class Author(Stamped):
    id: int = field(pk=True)
    name: str = field(default="")
    books: Many[Book] = back("author")
    desk: Ref[Desk | None] = back("holder")


class Desk(Model):
    id: int = field(pk=True)
    name: str = field(default="")
    holder: Ref[Author | None] = field(default=None)


class Book(Stamped):
    id: int = field(pk=True)
    name: str = field(default="")
    price: Decimal = field(default=Decimal(0))
    ok: bool = field(default=False)
    author: Ref[Author | None] = field(default=None)


def namesake() -> Any:
    class Book(Model):
        id: int = field(pk=True)
        name: str = field(default="")

    return Book


BOOK: Any = Book
DESC: Any = desc
B: Any = Book
A: Any = Author
D: Any = Desk
LEAVES: dict[Any, list[Condition]] = {
    Book: [
        B.name == "a",
        B.author.name == "a",
        B.author == 1,
        B.author.is_null(),
        B.made > 1,
        B.author.desk.name == "x",
    ],
    Author: [A.name == "a", A.books.any(B.name == "b"), A.desk.name == "d", A.books.all(B.id > 1), A.desk.is_null()],
}


def conditions(model: Any) -> st.SearchStrategy[Condition]:
    return st.recursive(
        st.sampled_from(LEAVES[model]),
        lambda inner: st.one_of(
            st.builds(lambda items: And(tuple(items)), st.lists(inner, max_size=3)),
            st.builds(lambda items: Or(tuple(items)), st.lists(inner, max_size=3)),
            st.builds(Not, inner),
        ),
        max_leaves=5,
    )


def leaves(condition: Condition) -> int:
    match condition:
        case And(items) | Or(items):
            return sum(map(leaves, items))
        case Not(item):
            return leaves(item)
    return 1


@given(st.data(), st.sampled_from([(Book, Author), (Author, Book)]))
def test_only_queries_of_its_model_take_a_condition(data: st.DataObject, models: tuple[Any, Any]) -> None:
    own, other = models
    condition = data.draw(conditions(own))
    assert own.where(condition).condition == own.where().where(condition).condition
    if leaves(condition):
        with pytest.raises(QueryError, match=rf"is a field of {own.__name__}, and {other.__name__} is asked"):
            other.where(condition)
        with pytest.raises(QueryError):
            own.where(condition).where(data.draw(conditions(other)) & data.draw(st.sampled_from(LEAVES[other])))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Book.where().sort(A.name),
        lambda: Book.where().sort(desc(A.name)),
        lambda: Book.where().sort(asc(A.books)),
        lambda: Book.where().only(A.name),
        lambda: Book.where().only(B.id, A.desk.name),
        lambda: A.books.any(A.name == "x"),
        lambda: A.books.all(negate(A.name == "x")),
        lambda: A.desk.any(A.name == "x"),
        lambda: B.author.books.any(A.name == "x"),
        lambda: Book.objects.filter(A.name == "x"),
        lambda: Book.objects.order_by(A.name),
        lambda: namesake().where(B.name == "x"),
    ],
)
def test_a_field_of_another_model_is_refused_when_the_query_is_made(wrong: Callable[[], Any]) -> None:
    with pytest.raises(QueryError, match=r"is a field of Author, and (Book|Desk) is asked|another class Book"):
        wrong()


def test_a_condition_equals_one_written_by_hand_and_looks_like_it() -> None:
    made, written = B.name == "a", Compare(("name",), Op.EQ, "a")
    assert made == written
    assert (hash(made), repr(made)) == (hash(written), repr(written))
    assert A.books.any(made) == Some(("books",), written)
    by_hand: Query[Any] = Query("anything")
    assert by_hand.where(made).condition == written


async def test_only_fields_of_the_records_are_loaded() -> None:
    app = Holdall("whose")
    app.add_store("m", "memory:")
    app.add(Author, Book, Desk, store="m")
    async with app.session() as s:
        ann = s.add(Author(id=1))
        s.add_all([Book(id=1, author=ann), Desk(id=1, holder=ann)])
    async with app.session() as s:
        book, desk = await s.require(Book, 1), await s.require(Desk, 1)
        with pytest.raises(QueryError, match=r"Author.books is a field of Author, and Book is asked"):
            await s.load([book], A.books)
        mixed: list[Any] = [book, desk]
        await s.load(mixed, B.author, D.holder)
        assert book.author.record is desk.holder.record is not None


@pytest.mark.parametrize(
    "wrong, told",
    [
        (lambda: B.name.in_("abc"), r"takes a list of values, not text: give \[text\] for one"),
        (lambda: B.name.not_in(b"abc"), "takes a list of values, not bytes"),
        (lambda: B.id.in_(7), "takes a list of values, not int"),
        (lambda: B.id.in_({1: 2}), "takes a list of values, not dict"),
        (lambda: B.author.in_(Author.where()), r"in a query of one column, such as .only\(Author.id\)"),
        (lambda: B.price > 0.5, r"must be a Decimal, as Decimal\('1.5'\): a float is not exact"),
        (lambda: B.price > "5", "must be a Decimal"),
        (lambda: B.price == True, "must be a Decimal"),  # noqa: E712
        (lambda: Book.where(B.ok), "ok alone is no condition: compare it"),
        (lambda: BOOK.where("name = 'x'"), "not text"),
        (lambda: Book.where().sort("name"), "write it as Book.name, without quotes"),
        (lambda: Book.where().only("name"), "write it as Book.name, without quotes"),
        (lambda: Book.where().only(), "at least one field"),
        (lambda: BOOK.where().limit("5"), "a limit is a whole number, not str"),
        (lambda: Book.where().limit(True), "a limit is a whole number"),
        (lambda: Book.where().limit(-1), "a limit cannot be negative"),
        (lambda: BOOK.where().offset("5"), "an offset is a whole number, not str"),
        (lambda: "x" in B.name, "use .contains"),
        (lambda: list(B.name), "stands for the field of every record"),
        (lambda: B.name == "x" & B.id == 1, "put each comparison in parentheses"),
        (lambda: (B.name == "x") & B.ok, "put each comparison in parentheses"),
        (lambda: (B.name == "x") | True, "put each comparison in parentheses"),
        (lambda: B.name.like("x"), "is no reference, so .like leads nowhere; it is asked by"),
        (lambda: A.books.name, "holds many records: use .any"),
        (lambda: B.name.any(B.name == "x"), "holds no records"),
        (lambda: B.nmae, "nmae"),
        (lambda: Book.objects.filter(nmae=1), "has no field 'nmae'; did you mean name"),
        (lambda: Book.objects.order_by("--name"), "has no field '-name'; did you mean name"),
        (lambda: BOOK.objects.filter().limit("x"), "a limit is a whole number"),
        (lambda: DESC(B.name, nulls="up"), 'come "first" or "last"'),
        (lambda: B.name.contains(5), "takes text, not int"),
    ],
)
def test_a_mistake_is_told_where_it_is_made(wrong: Callable[[], Any], told: str) -> None:
    with pytest.raises((QueryError, AttributeError), match=told) as raised:
        wrong()
    assert "abc" not in str(raised.value), "values are not told"


@given(st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1))
def test_whole_numbers_are_decimals(number: int) -> None:
    for condition in (B.price == number, B.price.in_([number]), B.price.between(number, number)):
        value = condition.value if condition.op is Op.EQ else condition.value[0]
        assert isinstance(value, Decimal)
        assert value == number
    assert Book(id=1, price=number).price == Decimal(number)  # type: ignore[arg-type]
    assert isinstance(Book(id=1, price=number).price, Decimal)  # type: ignore[arg-type]


def test_other_numbers_are_no_decimals() -> None:
    for wrong in (0.5, True, "5", float("nan")):
        with pytest.raises(ValidationError, match="must be a Decimal"):
            Book(id=1, price=wrong)  # type: ignore[arg-type]


def test_sort_keys_are_given_in_any_form_to_the_active_record_look() -> None:
    by_name = Book.objects.order_by("-author.name", "id").query.sort_keys
    assert by_name == Book.objects.order_by(desc(B.author.name), B.id).query.sort_keys
    assert isinstance(Book.where(B.ok == True).condition, Node)  # noqa: E712


async def test_a_session_says_what_it_is_asked_by() -> None:
    app = Holdall("asked")
    app.add_store("m", "memory:")
    app.add(Author, Book, Desk, store="m")
    async with app.session() as s:
        wrong: Any
        for wrong, told in (
            (Book, r"Book.where\(\)"),
            ("select 1", "not str"),
            (Book(id=1), "not Book"),
            (None, "None"),
        ):
            for ask in (s.query, s.first, s.one, s.count, s.exists, s.explain):
                with pytest.raises(QueryError, match=told):
                    await ask(wrong)
            with pytest.raises(QueryError, match=told):
                async for _ in s.stream(wrong):
                    pass


class Loose(Model):
    id: int = field(pk=True)
    n: int = field(default=0, coerce=True)


async def test_what_a_field_converts_is_converted_in_conditions_as_well() -> None:
    app = Holdall("loose")
    app.add_store("m", "memory:")
    app.add(Loose, store="m")
    wrong: Any = "5"
    async with app.session() as s:
        loose = s.add(Loose(id=1, n=wrong))
        await s.commit()
        assert await s.query(Loose.where(wrong == Loose.n)) == [loose]
        assert await Loose.objects.filter(n=wrong) == [loose]
        assert loose.matches(n=wrong)
        with pytest.raises(QueryError):
            Loose.where(Loose.n == "five")  # type: ignore[comparison-overlap]
