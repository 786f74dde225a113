"""A shop's models, and views of them with and without async that do the same."""

from __future__ import annotations

from typing import Any, ClassVar

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, field
from holdall.web.views import AsyncRestView, RestView, post

KINDS = ["async", "sync"]
OPEN = Policy(read=Everyone, write=Everyone)


class Author(Model, collection="authors"):
    id: int = field(pk=True, generated=True)
    name: str
    books: Many[Book] = back("author")


class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str = field(length=(0, 80))
    pages: int = field(default=0, ge=0, le=9_000)
    status: str = field(default="draft", length=(0, 20))
    secret: str = field(default="", length=(0, 80))
    size: dict[str, int] = field(default_factory=dict)
    author: Ref[Author]
    version: int = field(version=True)


class Line(Model, collection="lines"):
    order: int = field(pk=True)
    number: str = field(pk=True, length=(0, 20))
    what: str = field(length=(0, 80))


def shop(url: str) -> Holdall:
    app = Holdall("shop")
    app.add_store("main", url)
    app.add(Author, Book, Line, store="main", policy=OPEN)
    return app


class AsyncBooks(AsyncRestView[Book]):
    prefix = "/books"
    calls: ClassVar[list[Any]] = []

    def build_query(self) -> Any:
        return super().build_query().where(Book.status != "hidden")

    async def authorize(self, action: str, obj: Book | None = None, data: Any = None) -> None:
        self.calls.append(("authorize", action, obj is not None, data is not None))

    async def before_commit(self, action: str, new: Book | None, old: Any = None) -> None:
        self.calls.append(("before_commit", action, new and new.status, old and old["status"]))
        if new is not None and new.title == "refused":
            raise ValueError("refused by a hook")

    async def after_commit(self, action: str, new: Book | None, old: Any = None) -> None:
        self.calls.append(("after_commit", action, new and new.status, old and old["status"]))
        if new is not None and new.title == "failing":
            raise ValueError("the mail server is away")

    @post("/{key}/publish", status_code=200)
    async def publish(self, key: str, note: str = "") -> Any:
        book = await self.handle_get_one(self.key_of(key))
        async with self.write_action("publish", obj=book):
            book.status = "published" + note
        return self.to_response(book)

    @post("/pair")
    async def pair(self, first: str, second: str) -> Any:
        async with self.one_commit():
            for title in (first, second):
                async with self.write_action("create") as write:
                    write.obj = self.session.add(Book(title=title, author=1))
        return self.to_response(write.obj)

    @post("/forgetful")
    async def forgetful(self) -> None:
        async with self.write_action("create"):
            self.session.add(Book(title="forgotten", author=1))

    @post("/purge", status_code=200)
    async def purge(self) -> int:
        books = await self.session.query(Book.where(Book.pages == 0))
        async with self.write_action("purge", obj=None):
            for book in books:
                self.session.remove(book)
        return len(books)

    @post("/left", status_code=200)
    async def left(self) -> str:
        self.session.add(Book(title="left in the session", author=1))
        return "done"


class SyncBooks(RestView[Book]):
    prefix = "/books"
    calls: ClassVar[list[Any]] = []

    def build_query(self) -> Any:
        return super().build_query().where(Book.status != "hidden")

    def authorize(self, action: str, obj: Book | None = None, data: Any = None) -> None:
        self.calls.append(("authorize", action, obj is not None, data is not None))

    def before_commit(self, action: str, new: Book | None, old: Any = None) -> None:
        self.calls.append(("before_commit", action, new and new.status, old and old["status"]))
        if new is not None and new.title == "refused":
            raise ValueError("refused by a hook")

    def after_commit(self, action: str, new: Book | None, old: Any = None) -> None:
        self.calls.append(("after_commit", action, new and new.status, old and old["status"]))
        if new is not None and new.title == "failing":
            raise ValueError("the mail server is away")

    @post("/{key}/publish", status_code=200)
    def publish(self, key: str, note: str = "") -> Any:
        book = self.handle_get_one(self.key_of(key))
        with self.write_action("publish", obj=book):
            book.status = "published" + note
        return self.to_response(book)

    @post("/pair")
    def pair(self, first: str, second: str) -> Any:
        with self.one_commit():
            for title in (first, second):
                with self.write_action("create") as write:
                    write.obj = self.session.add(Book(title=title, author=1))
        return self.to_response(write.obj)

    @post("/forgetful")
    def forgetful(self) -> None:
        with self.write_action("create"):
            self.session.add(Book(title="forgotten", author=1))

    @post("/purge", status_code=200)
    def purge(self) -> int:
        books = self.session.query(Book.where(Book.pages == 0))
        with self.write_action("purge", obj=None):
            for book in books:
                self.session.remove(book)
        return len(books)

    @post("/left", status_code=200)
    def left(self) -> str:
        self.session.add(Book(title="left in the session", author=1))
        return "done"


BOOKS: dict[str, Any] = {"async": AsyncBooks, "sync": SyncBooks}
RESTS: dict[str, Any] = {"async": AsyncRestView, "sync": RestView}
