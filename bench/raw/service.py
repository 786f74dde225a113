"""Raw: the three requests by hand as one ASGI callable; a database gives it the three statements, the rest is here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

import msgspec

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MAX_PAGE_SIZE = 500
_JSON = (b"content-type", b"application/json")


class Database(Protocol):
    """What differs between databases: the statements."""

    async def open(self) -> None:
        """Make the table and connect."""
        ...

    async def page(self, limit: int, offset: int) -> tuple[int, list[Any]]:
        """How many there are, and these."""
        ...

    async def get(self, key: int) -> Any | None:
        """The one with this key."""
        ...

    async def create(self, body: bytes) -> Any:
        """Check, store, answer; raises DecodeError."""
        ...


class Page(msgspec.Struct):
    """The envelope of a list."""

    data: list[Any]
    total_count: int
    page: int
    page_size: int
    total_pages: int


class Service:
    """``GET /books``, ``GET /books/1`` and ``POST /books``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, content = 404, b'{"title":"Not Found","status":404}'
        method, path = scope["method"], scope["path"]
        try:
            if method == "GET" and path == "/books":
                status, content = 200, await self._list(scope["query_string"])
            elif method == "GET" and path.startswith("/books/"):
                book = await self._database.get(int(path[7:]))
                if book is not None:
                    status, content = 200, self._encode(book)
            elif method == "POST" and path == "/books":
                status, content = 201, self._encode(await self._database.create(await _read(receive)))
        except (ValueError, msgspec.DecodeError):
            status, content = 422, b'{"title":"Unprocessable Content","status":422}'
        headers = [_JSON, (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _list(self, query: bytes) -> bytes:
        page, size = 1, 50
        for pair in query.split(b"&"):
            name, _, value = pair.partition(b"=")
            if name == b"page":
                page = int(value)
            elif name == b"page_size":
                size = int(value)
        if page < 1 or not 1 <= size <= _MAX_PAGE_SIZE:
            raise ValueError
        total, books = await self._database.page(size, (page - 1) * size)
        return self._encode(Page(books, total, page, size, -(-total // size)))

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "lifespan.startup":
            await self._database.open()
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body
