"""Typical mistakes beyond declarations (test_mistakes): each is an error of ours, at once, that says what to write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import (
    Action,
    ActionPolicy,
    Each,
    Everyone,
    FieldRights,
    File,
    Holdall,
    MiB,
    Model,
    Nothing,
    Owner,
    Policy,
    Ref,
    Role,
    field,
    file,
    param,
)
from holdall.errors import DeclarationError, NotFound, QueryError, StateError, ValidationError
from holdall.query import parse_query
from holdall.testing.client import Client
from tests.support.terminal import invoke

pytestmark = pytest.mark.anyio


class Author(Model, collection="authors"):
    id: int = field(pk=True)
    name: str


class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str = field(length=(1, 20))
    pages: int = field(default=0, ge=0)
    author: Ref[Author | None] = field(default=None)
    version: int = field(version=True)


class Stranger(Model):
    id: int = field(pk=True)


class Vote(Action[Book], on=Each):
    score: int

    async def run(self, context: Any, book: Book) -> int:
        return self.score


class Unknown(Action[Book], on=Nothing):
    async def run(self, context: Any) -> None: ...


def app() -> Any:
    made = Holdall("mistakes")
    made.add_store("m", "memory:")
    made.add(Author, Book, store="m", policy=Policy(read=Everyone, write=Everyone))
    made.add_action(Vote, ActionPolicy(execute=Everyone))
    made.add_selection("long", Book.where(Book.pages >= param("pages", int)))
    return made


def url(text: str) -> Callable[[], Any]:
    return lambda: app().add_store("n", text)


def stranger(**policy: Any) -> Callable[[], Any]:
    return lambda: app().add(Stranger, store="m", policy=Policy(**policy))


def acting(body: str) -> Callable[[], Any]:
    def declare() -> None:
        exec(body, {"Action": Action, "Book": Book, "Each": Each, "app": app, "ActionPolicy": ActionPolicy})

    return declare


_ANY: Any = "any"
DECLARED: list[tuple[Callable[[], Any], str]] = [
    # URLs
    (url("library.db"), "a SQLite file is sqlite:///file.db"),
    (url("postgres//h/d"), "a store is named by a URL"),
    (url("file:///x.db"), "a SQLite file is sqlite:///file.db"),
    (url("postgresql://h:port/d"), "the port in a PostgreSQL URL is a number"),
    (url("postgresql://jane:se#cret@h/d"), "write %23"),
    (url("postgresql://h/d?sslmode=maybe"), "sslmode in a PostgreSQL URL is one of"),
    (url("sqlite://file.db"), "a relative path is sqlite:///path"),
    (url("sqlite:library.db"), "named by sqlite:///library.db"),
    (url("sqlite:///x.db?mode=q"), "takes only mode=ro or mode=rwc"),
    (url("yaml:"), "write yaml:./folder"),
    (url("mongodb://h"), "naming the database"),
    (url("mongodb://h/d?foo=1"), "look at the port and at the names of options"),
    (url("mongodb://jane:se/cret@h/d"), "naming the database|as %40, %3A and %2F"),
    (url("redis://h/x"), "with the number of the database"),
    (url("redis://h/0?tiemout=1"), "takes no option 'tiemout'; did you mean timeout"),
    (url("redis://h/0?timeout=soon"), "each of its type"),
    (url("memory://books"), "has no name or path: write memory:"),
    (url("http://"), "begins with http:// or https:// and names a host"),
    (url("dao:x"), "is opened by 'dao:'"),
    # policies
    (
        stranger(fields={"margin": FieldRights(read=Everyone)}),
        "no stored field 'margin' to have rights in; there are id",
    ),
    (lambda: FieldRights(read=_ANY), r"Everyone, Authenticated, Nobody or Role\(.*not by text"),
    (stranger(read=Owner("ownr")), "no field 'ownr' that could be its owner"),
    (lambda: Role(), r"a role is named by a text: Role\(.editor.\)"),
    (lambda: Policy(read=True), "not by bool"),
    (stranger(read=Book.pages > 1), "Book.pages is a field of Book, and Stranger is asked"),
    # actions and selections
    (
        acting("class A(Action[Book], on='each'):\n  async def run(self, context, book): ..."),
        "Nothing, One, Each or All",
    ),
    (acting("class A(Action[Book], on=Each): ...\napp().add_action(A)"), r"write async def run\(self, context, ...\)"),
    (lambda: app().add_action(Vote(score=1)), r"a class that derives from Action\[Book\], not Vote"),
    (lambda: app().add_action(Book), r"a class that derives from Action\[Book\], not Book"),
    (lambda: app().add_action(Vote), "has an action 'vote' already; give this one a name="),
    (lambda: app().add_action(Unknown, policy=Policy(read=Everyone)), r"an ActionPolicy\(see=..., execute=...\)"),
    (
        lambda: app().add_selection("Long Books", Book.where()),
        "small letters, digits and hyphens, as in 'french-books'",
    ),
    (lambda: app().add_selection("all", Book), r"a selection is a query, such as Book.where\(...\)"),
    (lambda: app().add_selection("all", Stranger.where()), r"call app.add\(Stranger, store=...\)"),
    (lambda: app().add_selection("long", Book.where()), "already; give this one another name"),
    (lambda: param("a b", int), r"named by a word, as in param\('pages', int, 0\)"),
    # events
    (lambda: app().on(), "name the events, such as Book.created"),
    (lambda: app().on("created"), "'created' is no event of a model, such as Book.created"),
    (lambda: app().on(Book.changed("titel")), "no stored field 'titel'; did you mean title"),
    (lambda: app().after(Book.created, name="a b")(print), "up to 100 letters, digits, dots and dashes"),
    (lambda: app().after(Book.created, name="n", attempts=0)(print), "attempts is a number from 1 to"),
    (lambda: app().add_webhook("http://x.example", Book.created, name="n", secret="s"), "wants allow_http=True"),
    (lambda: app().add_webhook("https://x.example", Book.created, name="n", secret="s"), "whsec_ and 24 to 64 bytes"),
    (lambda: app().add_audit(Book, store="zz"), "there is no store 'zz'; add it with add_store"),
    # files
    (lambda: app().add_files("c", "ftp://x"), "a folder is file:./covers"),
    (lambda: app().add_files("c", "./covers"), "a folder is file:./covers"),
    (lambda: app().add_files("c", "memory:", maxsize=1), "takes no option 'maxsize'|takes no such option"),
    (lambda: file("covers", types="image/png"), r"takes a list of media types: types=\['image/png'\]"),
    (lambda: file("covers", types=["png"]), "media types as 'image/png' or 'image/\\*', not 'png'"),
    (lambda: file("covers", max_size="1MB"), "a number of bytes, such as 5 \\* MiB"),  # type: ignore[arg-type]
    (lambda: file("covers", maxsize=MiB), "takes no 'maxsize'; did you mean max_size"),
    (lambda: file(""), "the name of a file store, as app.add_files has it"),
]


@pytest.mark.parametrize("mistake, told", DECLARED)
def test_a_mistake_in_a_declaration(mistake: Callable[[], Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told) as refused:
        mistake()
    assert "se/cret" not in str(refused.value)
    assert "se#cret" not in str(refused.value)


ASKED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda s: s.act(Vote), r"with its inputs, as Vote\(score=8\)"),
    (lambda s: s.act("vote"), r"with its inputs, as Vote\(score=8\), not str"),
    (
        lambda s: s.act(Vote(score=1)),
        "vote is done on records of books: give it one of them, a list of them or a query",
    ),
    (lambda s: s.act(Unknown()), r"was not added: app.add_action\(Unknown\)"),
    (lambda s: Vote(score=1, more=2), "more: is not a field"),  # type: ignore[call-arg]
    (lambda s: s.query(s.select("books/lng")), "no selection of books with key 'lng'"),
    (lambda s: s.query(s.select("long")), "named by its collection, too, as 'books/french-books', not by 'long'"),
    (lambda s: s.query(s.select("books/long")), "pages: is required"),
    (lambda s: s.query(s.select("books/long", pages="x")), "pages: must be a whole number"),
    (lambda s: s.query(s.select("books/long", pages=1, more=2)), "more: is not a field"),
    (lambda s: s.query(Book.where(Book.pages > param("pages", int))), r"parameters are for app.add_selection\(...\)"),
    (lambda s: Book(title="a", cover="x.png"), "cover: is not a field"),  # type: ignore[call-arg]
    (lambda s: File(None), "bytes, text, a Path, an open file or an iterator, not NoneType"),  # type: ignore[arg-type]
    (lambda s: parse_query("books where title = 'Emma'"), "text is written in double quotes"),
    (lambda s: parse_query("books where pages > 1 && pages < 9"), "write and"),
    (lambda s: parse_query("books sort pages desc"), "expected"),
    (lambda s: parse_query("select * from books"), "expected|begins no word"),
]


@pytest.mark.parametrize("mistake, told", ASKED)
async def test_a_mistake_in_what_is_asked(mistake: Callable[[Any], Any], told: str) -> None:
    async with app().session() as session:
        with pytest.raises((StateError, ValidationError, QueryError, NotFound), match=told):
            await _done(mistake(session))


async def _done(made: Any) -> None:
    if isinstance(made, Awaitable):
        await made


SENT: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/book", None, 404, ""),
    ("GET", "/books?pags=1", None, 422, "is not a parameter here"),
    ("GET", "/books?pages__greater=1", None, 422, "is not a parameter here"),
    ("GET", "/books?pages__gt=many", None, 422, "whole number"),
    ("GET", "/books?sort=titel", None, 422, "names something that cannot be sorted by"),
    ("GET", "/books?include=autor", None, 422, "names something that is no reference"),
    ("GET", "/books?fields=titel", None, 422, "names something that is not a field"),
    ("GET", "/books?page=0", None, 422, "page"),
    ("GET", "/books?page_size=100000", None, 422, "500"),
    ("GET", "/books/x", None, 404, "There is no such record"),
    ("POST", "/books", {"titel": "a"}, 422, "did you mean title|is not a field"),
    ("POST", "/books", {"title": ""}, 422, "title"),
    ("POST", "/books", {"title": "a", "author": 99}, 422, "author"),
    ("POST", "/books", [1], 422, ""),
    ("POST", "/books", None, 400, "body"),
    ("PUT", "/books", {}, 405, "GET|POST"),
    ("POST", "/books/actions/vote", {"score": 1}, 422, "which|filter"),
    ("POST", "/books/actions/vot", {}, 404, ""),
]


@pytest.mark.parametrize("method, path, body, status, told", SENT)
async def test_a_mistake_in_a_request(method: str, path: str, body: Any, status: int, told: str) -> None:
    made = app()
    answer = await Client(made.asgi(docs=False)).request(method, path, json=body)
    problem = answer.json()
    assert (answer.status, problem["type"][:12]) == (status, "urn:holdall:"), problem
    text = f"{problem['detail']} {problem.get('errors', '')} {answer.headers.get('allow', '')}"
    assert any(part in text for part in told.split("|")), text
    await made.close()


TYPED: list[tuple[tuple[str, ...], int, str]] = [
    (("check", "shop"), 2, "is not of the form module:app, as in library:app"),
    (("check", "shop.py:app"), 2, "is a file; name the module as an import does"),
    (("check", "nowhere:app"), 2, "there is no module nowhere, neither in this folder nor installed"),
    (("check", "json:loads"), 2, "cannot be called without arguments"),
    (("check", "json:nothing"), 2, "module json has no nothing"),
    (("chek",), 2, "No such command 'chek'"),
    (("new", "My Shop"), 2, "write small letters, digits and -"),
    (("inspect", "shop.db"), 2, "a SQLite file is sqlite:///file.db"),
    (("error", "Stale"), 2, "did you mean"),
    (("user", "add", "shop", "ann"), 2, "name the Users as module:name"),
]


@pytest.mark.parametrize("arguments, code, told", TYPED)
def test_a_mistake_on_the_command_line(arguments: tuple[str, ...], code: int, told: str, tmp_path: Path) -> None:
    said = invoke(tmp_path, *arguments)
    assert (said.code, "Traceback" in said.errors) == (code, False)
    assert told in " ".join(said.errors.replace("│", " ").split())


def test_there_are_enough_of_them_and_each_says_something() -> None:
    tables = [*DECLARED, *ASKED, *SENT, *TYPED]
    assert len(tables) > 90
    assert sum(bool(row[-1]) for row in tables) > 85
