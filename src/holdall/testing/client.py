"""A client that talks to an ASGI application in the same process and loop: no sockets, no threads, no other packages.

Requests are sent exactly as given, wrong ones too; for tests only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_to_bytes

import msgspec

__all__ = ["Answer", "Client"]

_Message = MutableMapping[str, Any]
_Application = Callable[
    [_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]
]


class Answer(msgspec.Struct, frozen=True):
    """An answer: status, headers, body. Example: :class:`Client`."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class Client:
    """Sends requests to an application; as ``async with`` block it starts the application first and ends it after.

    ``headers`` go with every request. Each answer must come within ``seconds``.

    >>> async def hello(scope, receive, send):
    ...     await send({"type": "http.response.start", "status": 200, "headers": []})
    ...     await send({"type": "http.response.body", "body": b'"hello"'})
    >>> async def example():
    ...     client = Client(hello)
    ...     answers = [
    ...         await client.get("/"),
    ...         await client.post("/", {}),
    ...         await client.patch("/", {}),
    ...         await client.delete("/"),
    ...         await client.request("OPTIONS", "/"),
    ...     ]
    ...     return [answer.status for answer in answers], answers[0].json()
    >>> import asyncio
    >>> asyncio.run(example())
    ([200, 200, 200, 200, 200], 'hello')
    """

    def __init__(self, app: _Application, headers: dict[str, str] | None = None, seconds: float = 30.0) -> None:
        self._app = app
        self._headers = headers or {}
        self._seconds = seconds
        self._life: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[_Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[_Message] = asyncio.Queue()

    async def request(
        self,
        method: str,
        url: str | bytes,
        *,
        json: object = None,
        body: bytes | Sequence[bytes] = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request and return its answer.

        ``url`` is a path with or without a query string, as it goes over the wire. ``json`` is encoded and declared as
        such; ``body`` is sent as it is, in several messages where it is a list. Raises RuntimeError where the
        application breaks ASGI's rules, TimeoutError where it does not answer.
        """
        raw = url if isinstance(url, bytes) else url.encode()
        path, _, query = raw.partition(b"?")
        given = self._headers | (headers or {})
        if json is not None:
            body = msgspec.json.encode(json)
            given = {"content-type": "application/json"} | given
        parts = [body] if isinstance(body, bytes) else list(body)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        messages = iter([{"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]])
        last = iter([{"type": "http.request", "body": parts[-1] if parts else b"", "more_body": False}])
        sent: list[_Message] = []

        over = asyncio.Event()

        async def receive() -> _Message:
            message = next(messages, None) or next(last, None)
            if message is None:
                await over.wait()
                return {"type": "http.disconnect"}
            return message

        async def send(message: _Message) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                over.set()

        async with asyncio.timeout(self._seconds):
            await self._app(scope, receive, send)
        return _answer(sent)

    async def get(self, url: str, **headers: str) -> Answer:
        """Send a GET and return its answer; header names are given with ``_`` for ``-``."""
        return await self.request("GET", url, headers={name.replace("_", "-"): text for name, text in headers.items()})

    async def post(self, url: str, json: object, **headers: str) -> Answer:
        """Send a POST of JSON and return its answer; header names are given with ``_`` for ``-``."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.request("POST", url, json=json, headers=given)

    async def patch(self, url: str, json: object, **headers: str) -> Answer:
        """Send a PATCH of JSON and return its answer; header names are given with ``_`` for ``-``."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.request("PATCH", url, json=json, headers=given)

    async def delete(self, url: str, **headers: str) -> Answer:
        """Send a DELETE and return its answer; header names are given with ``_`` for ``-``."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.request("DELETE", url, headers=given)

    async def __aenter__(self) -> Self:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.ensure_future(_run(self._app(scope, self._inbox.get, self._outbox.put)))
        await self._lifespan("startup")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lifespan("shutdown")
        assert self._life is not None
        await self._life

    async def _lifespan(self, phase: str) -> None:
        await self._inbox.put({"type": f"lifespan.{phase}"})
        async with asyncio.timeout(self._seconds):
            message = await self._outbox.get()
        if message["type"] != f"lifespan.{phase}.complete":
            raise RuntimeError(
                f"the application failed at {phase}: {message.get('message', '')}"
            ) from await self._end()

    async def _end(self) -> BaseException | None:
        """Wait for the application to end; return what it raised, so that the event loop need not report it."""
        assert self._life is not None
        ended, _ = await asyncio.wait([self._life], timeout=self._seconds)
        return self._life.exception() if ended else None


async def _run(awaitable: Awaitable[None]) -> None:
    await awaitable


def _answer(sent: list[_Message]) -> Answer:
    types = [message["type"] for message in sent]
    if not types or types[0] != "http.response.start" or set(types[1:]) != {"http.response.body"}:
        raise RuntimeError(f"the application answered with {types}")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
