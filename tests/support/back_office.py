"""A library with every kind of field in two stores, whose back office tests visit."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import msgspec

from holdall import (
    JSON,
    Authenticated,
    FieldRights,
    File,
    Holdall,
    Many,
    Model,
    Owner,
    Policy,
    Ref,
    Role,
    back,
    computed,
    field,
    file,
)
from holdall.admin import Admin
from holdall.users import Authenticator, Users
from holdall.users.accounts import Account
from holdall.users.authenticator import COOKIE
from tests.support.paper_browser import PaperBrowser

__all__ = ["PASSWORD", "Author", "Book", "Colour", "Place", "library", "visitor"]

PASSWORD = "correct horse battery"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(msgspec.Struct):
    street: str
    number: int = 0


class Author(Model, collection="authors"):
    """Who writes books."""

    code: str = field(pk=True)
    name: str
    born: dt.date | None = None
    books: Many[Book] = back("author")


class Book(Model, collection="books"):
    """A book on the shelf.

    Not shown.
    """

    id: int = field(pk=True, generated=True)
    title: str = field(length=(1, 200), description="as on its cover")
    blurb: str | None = field(default=None, length=(0, 5_000))
    colour: Colour = Colour.RED
    bought: dt.datetime | None = None
    due: dt.time | None = None
    price: Decimal = Decimal("1.50")
    weight: float = 0.0
    lent: bool = False
    status: str = field(
        default="new",
        one_of=["new", "shelved", "lost"],
        transitions={None: ["new"], "new": ["shelved"], "shelved": ["lost", "new"], "lost": []},
    )
    mark: uuid.UUID | None = None
    reading: dt.timedelta | None = None
    data: JSON = field(default_factory=dict)
    place: Place | None = None
    shelves: list[Place] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    author: Ref[Author | None] = field(default=None)
    likes: Many[Book] = field(default=())
    cover: File | None = file("covers")
    owner: str = ""
    margin: int = 7
    version: int = field(version=True)

    @computed
    def spine(self) -> str:
        """As on its spine."""
        return self.title.upper()


BOOKS = Policy(
    read=Role("editor", "admin") | Owner("owner"),
    write=Role("editor", "admin"),
    fields={"margin": FieldRights(read=Role("admin")), "weight": FieldRights(write=Role("admin"))},
)


async def library(
    *,
    admin: Any = True,
    books: Policy = BOOKS,
    has_password: str = "",
    before: Any = None,
    stores: dict[str, str] | None = None,
    **options: Any,
) -> tuple[Holdall, Any, Users]:
    """The library, its service and its accounts: ann the administrator, eve the editor, tom who reads his own."""
    app = Holdall("library")
    for name, url in (stores or {"main": "memory:", "other": "memory:"}).items():
        app.add_store(name, url)
    app.add_store("accounts", "memory:")
    app.add_files("covers", "memory:")
    app.add(Author, store="other", policy=Policy(read=Authenticated, write=Role("editor", "admin")))
    app.add(Book, store="main", policy=books)
    if before is not None:
        before(app)
    users = Users(app, store="accounts")
    app.identify(Authenticator(users))
    if stores is not None:
        await app.create()
    for login, roles in (("ann", ["admin"]), ("eve", ["editor"]), ("tom", list[str]())):
        await users.add(login, PASSWORD if has_password in (login, "everybody") else None, roles=roles, key=login)
    async with app.session() as session:
        session.add_all([Author(code="UKL", name="Ursula"), Author(code="JLB", name="Jorge")])
        await session.commit()
        for number in range(1, 6):
            session.add(Book(title=f"Book {number}", author="UKL", owner="tom" if number == 1 else ""))
    return app, app.asgi(admin=Admin() if admin is True else admin, secret=b"s" * 32, **options), users


async def visitor(service: Any, login: str) -> PaperBrowser:
    """A browser in which somebody is logged in; how that is done by a password has tests of its own."""
    users: Users = service.back_office.site.users
    async with users.app.session() as session:
        begun = await users.begin(session, await session.require(Account, login))
    browser = PaperBrowser(service)
    browser.cookies[COOKIE] = begun.token
    return browser
