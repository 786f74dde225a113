"""Requests to a service in the same process: no socket, and answers as they would go over the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from urllib.parse import quote, unquote_to_bytes

import msgspec

from holdall.query import Value

__all__ = ["Reply", "Request", "Service"]

_Message = MutableMapping[str, Value]
_ASGI = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]


class Request(msgspec.Struct, frozen=True):
    """A request: the path as it goes over the wire, parameters in order, a body that becomes JSON if there is one.

    >>> Request("GET", "/books", (("title", "a&b"),)).query
    b'title=a%26b'
    """

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: Value = None
    headers: dict[str, str] = {}

    @property
    def query(self) -> bytes:
        """The parameters as a query string."""
        pairs = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self.parameters]
        return "&".join(pairs).encode()


class Reply(msgspec.Struct, frozen=True):
    """An answer: its status, its ETag if it has one, and what its body says.

    >>> Reply(404, None, {"detail": "There is no such record."}).is_refusal
    True
    """

    status: int
    etag: str | None
    content: Value

    @property
    def is_refusal(self) -> bool:
        """Whether the request was not done."""
        return self.status >= 400


class Service:
    """An ASGI application that answers requests of this process. Example: ``docs/assistants.md``."""

    def __init__(self, application: _ASGI) -> None:
        self._application = application

    async def ask(self, request: Request) -> Reply:
        """Send a request and return the answer."""
        body = b"" if request.body is None else msgspec.json.encode(request.body)
        headers = request.headers if request.body is None else {"content-type": "application/json"} | request.headers
        path = request.path.encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": request.query,
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": None,
            "server": None,
            "state": {},
        }
        incoming = iter([{"type": "http.request", "body": body, "more_body": False}])
        sent = list[_Message]()

        async def receive() -> _Message:
            return next(incoming, None) or {"type": "http.disconnect"}

        async def send(message: _Message) -> None:
            sent.append(message)

        await self._application(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        given = dict(sent[0]["headers"])
        etag = given.get(b"etag")
        is_json = b"json" in given.get(b"content-type", b"")
        told = msgspec.json.decode(content) if is_json and content else content.decode("utf-8", "replace")
        return Reply(sent[0]["status"], etag.decode() if etag else None, told)
