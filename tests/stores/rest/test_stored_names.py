"""Members of the JSON of an API that are called otherwise than the fields of the model."""

from __future__ import annotations

import json

import pytest

from holdall import Holdall, Model, field
from holdall.stores.rest import RestCollection
from holdall.testing.fault_server import FaultServer, Reply

pytestmark = pytest.mark.anyio


class Book(Model):
    id: int = field(pk=True, column="bookId")
    title: str = field(column="Title, in full")
    pages: int | None = field(default=None, column="pages.total")


async def test_members_are_read_and_sent_under_their_names() -> None:
    stored = {"bookId": 1, "Title, in full": "Old", "pages.total": 7}
    async with FaultServer() as server:
        app = Holdall("shop")
        app.add_store("api", server.url, collections={"book": RestCollection(path="/books/{id}")})
        app.add(Book, store="api")
        server.script(Reply.json(stored), Reply.json({**stored, "Title, in full": "New"}))
        async with app.session() as session:
            book = await session.require(Book, 1)
            assert (book.title, book.pages) == ("Old", 7)
            book.title = "New"
        await app.close()
        assert [request.method for request in server.requests] == ["GET", "PATCH"]
        assert json.loads(server.requests[1].body) == {"Title, in full": "New"}
