from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest

from holdall.errors import DeclarationError, NotFound, NotLoaded, QueryError, StateError, ValidationError
from holdall.model import Many, Model, OnDelete, Ref, Reference, Related, State, back, field, schema_of, state_of
from holdall.query import Compare, Generated, Kind, ManyForm, Op
from tests.support.session_without_store import Session, made

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("older_objects_apart")]


class Place(Model):
    row: str = field(pk=True)
    number: int = field(pk=True)


class Author(Model):
    id: int = field(pk=True, generated=True)
    name: str = ""
    best: Ref[Book | None] = field(default=None)
    books: Many[Book] = back("author", on_delete=OnDelete.CASCADE)


class Book(Model):
    id: int = field(pk=True, generated=True)
    author: Ref[Author]
    place: Ref[Place | None] = field(default=None, depends_on=False)
    translators: tuple[Ref[Author], ...] = ()
    editors: frozenset[Ref[Author]] = frozenset()
    sequels: Many[Book] = field(default=())


ursula, ted = made(Author, id=1, name="Ursula"), made(Author, id=2, name="Ted")


def test_what_a_reference_takes() -> None:
    values: list[Any] = [
        ursula,
        1,
        Reference(Author.__holdall__.by_name["id"], record=ursula),
        made(Book, author=1).author,
    ]
    for value in values:
        book = made(Book, author=value)
        assert book.author.key == 1
        assert book.author == ursula
        assert book.author == 1
    book.author = ted
    assert (book.author.key, book.author.name, book.author.loaded) == (2, "Ted", True)


@pytest.mark.parametrize("value", [None, "x", 1.5, True, Place(row="a", number=1), 2**63, made(Author).best, []])
def test_what_a_reference_refuses(value: Any) -> None:
    with pytest.raises(ValidationError):
        made(Book, author=value)
    book = made(Book, author=1)
    with pytest.raises(ValidationError):
        book.author = value
    assert book.author == 1


async def test_an_empty_reference() -> None:
    author = made(Author, id=1)
    assert not author.best
    assert author.best.key is None
    assert await _awaited(author.best) is None
    with pytest.raises(NotLoaded, match=r"leads to no Book, so that there is no \.place"):
        author.best.place  # noqa: B018


def test_a_composite_key() -> None:
    assert made(Book, author=1, place=("a", 3)).place.key == ("a", 3)
    assert made(Book, author=1, place=Place(row="a", number=3)).place.key == ("a", 3)
    with pytest.raises(ValidationError):
        made(Book, author=1, place="a")
    with pytest.raises(ValidationError):
        made(Book, author=1, place=("a", "b"))


async def _awaited(value: Any) -> Any:
    return await value


async def test_loading() -> None:
    session = Session()
    book = made(Book, id=7, author=1)
    with pytest.raises(NotLoaded, match="Author is not loaded"):
        book.author.name  # noqa: B018
    with pytest.raises(StateError, match="Author belongs to no Holdall"):
        await _awaited(book.author)
    session.keep(book)
    with pytest.raises(NotFound):
        await _awaited(book.author)
    author = made(Author, id=1, name="Ursula")
    session.keep(author)
    assert await _awaited(book.author) is author
    assert await _awaited(book.author) is author
    assert session.loads == 2
    assert book.author.name == "Ursula"
    assert (state_of(book), session.told) == (State.CLEAN, [])
    assert await _awaited(author.books) == [book]


async def test_loading_late_does_not_undo_a_write() -> None:
    session = Session()
    book, author = made(Book, id=7, author=1), made(Author, id=1)
    session.keep(book, author)
    handle = book.author
    book.author = 2
    assert await _awaited(handle) is author
    assert book.author == 2


async def test_many_references_kept_here() -> None:
    session = Session()
    book = made(Book, id=1, author=1, translators=(1, ted), editors=[ursula], sequels=[made(Book, id=5, author=1), 6])
    session.keep(ursula, book)
    assert isinstance(book.translators, tuple)
    assert isinstance(book.editors, frozenset)
    assert isinstance(book.sequels, Related)
    assert [item.key for item in book.translators] == [1, 2]
    assert (book.sequels.keys, len(book.sequels), 6 in book.sequels, 7 in book.sequels) == ((5, 6), 2, True, False)
    assert await _awaited(book.translators[0]) is ursula
    with pytest.raises(ValidationError) as caught:
        book.sequels = [5, "x", 5, made(Book, id=5, author=1)]
    assert [(error.path, error.code) for error in caught.value.errors] == [("sequels.1", "type")]
    with pytest.raises(ValidationError) as caught:
        book.sequels = [5, 6, made(Book, id=5, author=1)]
    assert [(error.path, error.code) for error in caught.value.errors] == [("sequels.2", "unique")]
    new = made(Author)
    with pytest.raises(ValidationError):
        book.translators = (new, new)
    book.translators = (new, made(Author))


def test_what_is_given_to_the_other_end_refers_to_it() -> None:
    author, one, two = made(Author, id=9), made(Book, id=1, author=1), made(Book, id=2, author=1)
    author.books = [one]
    author.books.add(two)
    assert one.author == author
    assert two.author == author
    with pytest.raises(ValidationError, match="must not be null"):
        author.books.remove(one)
    author.books.add(3)  # kept for the session that the author is added to
    with pytest.raises(ValidationError):
        author.books = [one, one]
    with pytest.raises(ValidationError):
        author.books.add("x")
    with pytest.raises(NotLoaded):
        len(made(Author).books)


def test_children_and_dependencies() -> None:
    leaf = made(Author, id=3)
    book = made(Book, id=1, author=leaf, place=Place(row="a", number=1), translators=(ted, 9))
    leaf.best = book
    assert book.get_children() == {leaf, ted}
    assert leaf.get_children() == {book}
    assert leaf.get_children(recursive=True) == {book, ted}
    assert set(book.dependency_fields) == {"author", "translators", "editors", "sequels"}


def test_expressions_lead_through_references() -> None:
    assert Book.where(Book.author.best.place.row == "a").condition == Compare(
        ("author", "best", "place", "row"), Op.EQ, "a"
    )
    author: Any = Book.author
    assert Book.where(author == ursula).condition == Compare(("author",), Op.EQ, 1)
    assert Book.where(author == 1).condition == Compare(("author",), Op.EQ, 1)
    wrongs: tuple[Callable[[], Any], ...] = (lambda: author.nothing, lambda: author == "x", lambda: author.id == "1")
    for wrong in wrongs:
        with pytest.raises(QueryError):
            wrong()
    with pytest.raises(QueryError, match="commit it first"):
        author == made(Author)  # noqa: B015


def test_schema() -> None:
    schema = schema_of(Book, "books", lambda model: model.__name__.lower())
    author = schema.field("author")
    assert (author.kind, author.target, author.nullable, author.target_key[0].kind) == (
        Kind.REF,
        "author",
        False,
        Kind.INT,
    )
    assert [part.name for part in schema.field("place").target_key] == ["row", "number"]
    assert [schema.field(name).form for name in ("translators", "editors", "sequels")] == [
        ManyForm.LIST, ManyForm.SET, ManyForm.LIST,
    ]  # fmt: skip
    assert schema.field("id").generated is Generated.STORE
    books = schema_of(Author, "author", lambda model: model.__name__.lower()).field("books")
    assert (books.form, books.back, books.is_stored) == (ManyForm.BACK, "author", False)

    class Keyless(Model):
        name: str

    with pytest.raises(DeclarationError, match="no key"):
        schema_of(Keyless, "keyless", str)


def test_back_must_name_a_reference() -> None:
    class Shelf(Model):
        id: int = field(pk=True)
        books: Many[Book] = back("place_of")

    with pytest.raises(DeclarationError, match="no reference 'place_of'"):
        Shelf.__holdall__.resolve({})


def _blocks_of(act: Any, times: int = 500) -> int:
    act()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        act()
    gc.collect()
    return sys.getallocatedblocks() - before


def _read_handles() -> None:
    book = made(Book, id=1, author=1, translators=(1, 2))
    Session().keep(book)
    assert book.author == 1
    assert len(book.translators) == 2


def _make_circle_by_writing() -> None:
    author, book = made(Author, id=1), made(Book, id=2, author=1)
    author.best = book
    book.author = author


async def _make_circle_by_loading() -> None:
    author, book = made(Author, id=1, best=2), made(Book, id=2, author=1)
    session = Session()
    session.keep(author, book)
    assert await author.best is book
    assert await book.author is author
    author.name = "dirty"


def _make_circle_of_many() -> None:
    book = made(Book, id=1, author=1)
    book.sequels = [book]


@pytest.mark.parametrize("act", [_read_handles, _make_circle_by_writing, _make_circle_of_many])
def test_nothing_leaks(act: Any) -> None:
    assert _blocks_of(act) < 100


async def test_loading_in_a_circle_leaks_nothing() -> None:
    await _make_circle_by_loading()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(300):
        await _make_circle_by_loading()
    gc.collect()
    assert (sys.getallocatedblocks() - before) < 100


def test_records_of_plain_values_are_not_seen_by_the_cycle_collector() -> None:
    book = made(Book, id=1, author=1)
    assert not gc.is_tracked(book)
    book.author = ursula
    assert gc.is_tracked(book)
