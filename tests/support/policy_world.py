"""A small library of which a user sees some records, in one store or scattered; and the same without the others."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from holdall import Everyone, Holdall, Many, Model, Policy, Query, Ref, Role, User, asc, back, desc, field, me, rows
from holdall.query import ALWAYS, Condition
from holdall.store import Change, Verb

__all__ = ["ANN", "RULES", "Author", "Book", "Shelf", "application", "contents", "filled", "random_query", "visible"]

ANN = User("ann", attributes={"tenant": "north", "level": 3})


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)
    name: str
    books: Many[Book] = back("shelf")


class Author(Model, collection="authors"):
    id: int = field(pk=True)
    name: str
    owner: str = ""
    level: int = 0
    books: Many[Book] = back("author")
    edited: Many[Book] = back("edition.editor")
    praised: Many[Book] = back("words.critic")


class Edition(msgspec.Struct):
    """How a book was published."""

    year: int
    editor: Ref[Author | None]


class Word(msgspec.Struct):
    """What a critic said."""

    critic: Ref[Author]


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str
    owner: str = ""
    pages: int = 0
    author: Ref[Author | None] = field(default=None)
    shelf: Ref[Shelf | None] = field(default=None)
    others: Many[Author] = field(default=())
    edition: Edition | None = None
    words: list[Word] = field(default_factory=list)


BOOK: Any = Book  # checkers see the values themselves on the class
AUTHOR: Any = Author


def by_function(user: User, record: Any) -> bool:
    return bool(record.owner == user.id)


RULES: dict[str, Any] = {
    "condition": (Book.owner == me.id) | (Book.pages > 900),
    "path": (Book.author.owner == me.id) | (BOOK.edition.editor.owner == me.id) | Role("all"),
    "many": Book.others.any(Author.owner == me.id) | BOOK.words.critic.any(Author.name == "A") | (Book.owner == me.id),
    "function": by_function,
    "mixed": (Book.pages < 300) & ~Role("guest") & (lambda user, book: book.owner == user.id),
}
"""Rules for reading books."""


def is_visible(rule: str, book: Any, authors: dict[int, Any]) -> bool:
    """The same rules, as plainly as they can be said."""
    author, editor = authors.get(book["author"] or 0), authors.get((book["edition"] or {}).get("editor") or 0)
    critics = [authors[word["critic"]] for word in book["words"]]
    return bool(
        {
            "condition": book["owner"] == "ann" or book["pages"] > 900,
            "path": any(each is not None and each["owner"] == "ann" for each in (author, editor)),
            "many": book["owner"] == "ann"
            or any(authors[key]["owner"] == "ann" for key in book["others"])
            or any(critic["name"] == "A" for critic in critics),
            "function": book["owner"] == "ann",
            "mixed": book["pages"] < 300 and book["owner"] == "ann",
        }[rule]
    )


def application(urls: dict[str, str], rule: Any | None) -> Holdall:
    """A Holdall over these stores; ``rule`` is for reading books, None for no rules at all."""
    app = Holdall("policies")
    for name, url in urls.items():
        app.add_store(name, url)
    names = list(urls)
    policies: dict[type[Model], Policy | None] = {
        Shelf: Policy(read=Everyone),
        Author: Policy(read=(Author.owner == me.id) | (Author.level >= me.level)),
        Book: Policy(read=rule) if rule is not None else None,
    }
    for place, (model, policy) in enumerate(policies.items()):
        given = policy if rule is not None else Policy(read=Everyone)
        app.add(model, store=names[min(place, len(names) - 1)], policy=given)
    return app


def contents(seed: int) -> dict[str, list[dict[str, Any]]]:
    chance = random.Random(seed)
    owners = ("ann", "ann", "eve", "bob")
    authors = [
        {"id": key, "name": chance.choice("ABCD"), "owner": chance.choice(owners), "level": chance.randrange(5)}
        for key in range(1, 9)
    ]
    books = [
        {
            "id": key,
            "title": chance.choice(("x", "y", "z")),
            "owner": chance.choice(owners),
            "pages": chance.randrange(1000),
            "author": chance.choice([None, *range(1, 9)]),
            "shelf": chance.choice([None, 1, 2, 3]),
            "others": tuple(chance.sample(range(1, 9), chance.randrange(4))),
            "edition": chance.choice([None, *[{"year": chance.randrange(3), "editor": chance.randrange(1, 9)}] * 3]),
            "words": [{"critic": chance.randrange(1, 9)} for _ in range(chance.randrange(3))],
        }
        for key in range(1, 41)
    ]
    return {"shelves": [{"id": key, "name": f"s{key}"} for key in (1, 2, 3)], "authors": authors, "books": books}


def visible(rule: str, found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What the user sees of it."""
    authors = {author["id"]: author for author in found["authors"]}
    return {
        "shelves": found["shelves"],
        "authors": [each for each in found["authors"] if each["owner"] == "ann" or each["level"] >= 3],
        "books": [each for each in found["books"] if is_visible(rule, each, authors)],
    }


async def filled(app: Holdall, found: dict[str, list[dict[str, Any]]]) -> None:
    """Put rows into the stores, past everything that looks at references."""
    app.bindings.configure()
    for name, each in found.items():
        binding = app.bindings.of_name(name)
        for row in each:
            fields = tuple(key for key in row if key != "id")
            values = tuple(row[key] for key in fields)
            await binding.store.apply([Change(Verb.ADD, name, row["id"], ("id", *fields), (row["id"], *values))])


def random_query(chance: random.Random) -> Query[Any]:
    """A query of books, shelves or authors, that leads anywhere."""
    model = chance.choice((Book, Book, Book, Author, Shelf))
    query: Any = model.where(_condition(chance, model, 2))
    kind = chance.randrange(5)
    paths = _PATHS[model]
    if kind == 0:
        by = chance.choice(paths)()
        return query.group_by(by).only(by, rows()).sort(by)  # type: ignore[no-any-return]
    sort = [chance.choice((asc, desc))(chance.choice(paths)()) for _ in range(chance.randrange(3))]
    query = query.sort(*sort, model.id)
    if chance.random() < 0.5:
        query = query.limit(chance.randrange(1, 12)).offset(chance.randrange(4))
    if kind in (1, 2):
        query = query.only(model.id, *[path() for path in chance.sample(paths, 2)])
    return query  # type: ignore[no-any-return]


_PATHS: Any = {
    Book: [
        lambda: Book.title,
        lambda: Book.pages,
        lambda: Book.author.name,
        lambda: Book.author.level,
        lambda: Book.shelf.name,
        lambda: BOOK.edition.editor.name,
        lambda: BOOK.edition.editor.level,
    ],
    Author: [lambda: Author.name, lambda: Author.level, lambda: Author.owner],
    Shelf: [lambda: Shelf.name, lambda: Shelf.id],
}


def _condition(chance: random.Random, model: Any, depth: int) -> Condition:
    if depth and chance.random() < 0.5:
        one, two = (_condition(chance, model, depth - 1) for _ in range(2))
        return chance.choice((one & two, one | two, ~one))
    return chance.choice(_CONDITIONS[model])(chance)  # type: ignore[no-any-return]


_CONDITIONS: Any = {
    Book: [
        lambda chance: ALWAYS,
        lambda chance: Book.title == chance.choice("xyz"),
        lambda chance: Book.pages > chance.randrange(1000),
        lambda chance: Book.author.name == chance.choice("ABCD"),
        lambda chance: Book.author.name.is_null(),  # type: ignore[attr-defined]
        lambda chance: Book.author.level.in_([1, 3]),  # type: ignore[attr-defined]
        lambda chance: Book.author.is_null(),  # type: ignore[attr-defined]
        lambda chance: Book.shelf.books.any(Book.pages > chance.randrange(1000)),
        lambda chance: Book.others.any(Author.name == chance.choice("ABCD")),
        lambda chance: Book.others.all(Author.level > chance.randrange(5)),
        lambda chance: Book.author.books.any(Book.title == chance.choice("xyz")),
        lambda chance: BOOK.edition.editor.name == chance.choice("ABCD"),
        lambda chance: BOOK.edition.editor.level.is_null(),
        lambda chance: BOOK.edition.editor == chance.randrange(1, 9),
        lambda chance: BOOK.edition.editor.books.any(Book.title == chance.choice("xyz")),
        lambda chance: BOOK.edition.editor.in_(Author.where(Author.name == chance.choice("ABCD")).only(Author.id)),
        lambda chance: BOOK.words.critic.any(Author.name == chance.choice("ABCD")),
        lambda chance: BOOK.words.critic.all(Author.level > chance.randrange(5)),
        lambda chance: Book.author.in_(Author.where(Author.name == "A").only(Author.id)),  # type: ignore[attr-defined]
    ],
    Author: [
        lambda chance: ALWAYS,
        lambda chance: Author.name == chance.choice("ABCD"),
        lambda chance: Author.books.any(Book.pages > chance.randrange(1000)),
        lambda chance: Author.books.all(Book.title == chance.choice("xyz")),
        lambda chance: ~Author.books.any(Book.shelf.name == "s1"),
        lambda chance: AUTHOR.id.in_(Book.where(Book.title == chance.choice("xyz")).only(BOOK.edition.editor)),
        lambda chance: Author.edited.any(Book.pages > chance.randrange(1000)),
        lambda chance: Author.edited.all(Book.title == chance.choice("xyz")),
        lambda chance: Author.praised.any(BOOK.edition.editor.name == chance.choice("ABCD")),
    ],
    Shelf: [
        lambda chance: ALWAYS,
        lambda chance: Shelf.books.any(Book.author.name == chance.choice("ABCD")),
        lambda chance: Shelf.books.all(Book.pages > chance.randrange(1000)),
    ],
}
