"""Somebody else's API, in a thread: it keeps what it was sent and remembers every call that changed something.

Below ``/idemp/`` it honours Idempotency-Key; below ``/once/`` every call counts, whatever its key. A write with
If-Match holds only at that ``version``; an ``amount`` of 13 is refused.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

__all__ = ["Api", "Called"]

REFUSED = 13
"""An amount that it takes from nobody."""


class Called(msgspec.Struct, frozen=True):
    """A call that was to change something: which, on which record, under which token, and whether it did."""

    method: str
    key: str
    token: str
    is_applied: bool


class Api:
    """A server for the time of a ``with`` block; ``url`` is where it listens.

    ``records`` and ``calls`` give the content and history of a collection by its place, ``kind/name/collection``;
    ``GET place/-`` does so over HTTP.
    """

    def __init__(self) -> None:
        self.url = ""
        self.records: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.calls: defaultdict[str, list[Called]] = defaultdict(list)
        self._answers: dict[tuple[str, str], tuple[int, dict[str, Any] | None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._moment = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    @property
    def connections(self) -> int:
        """Clients that are connected now."""
        assert self._runner is not None
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{kind}/{name}/{collection}/-", self._all)
        app.router.add_route("*", "/{kind}/{name}/{collection}", self._list)
        app.router.add_route("*", "/{kind}/{name}/{collection}/{key}", self._one)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]

    async def _all(self, request: web.Request) -> web.Response:
        place = _place(request)
        return _answer(200, {"records": self.records[place], "calls": self.calls[place]})

    async def _list(self, request: web.Request) -> web.Response:
        place = _place(request)
        if request.method == "GET":
            asked = request.query.get("id")
            keys = set(asked.split(",")) if asked is not None else None
            found = [record for key, record in self.records[place].items() if keys is None or key in keys]
            return _answer(200, found)
        body = msgspec.json.decode(await request.read())
        return await self._write(request, place, str(body["id"]), body)

    async def _one(self, request: web.Request) -> web.Response:
        place, key = _place(request), request.match_info["key"]
        if request.method == "GET":
            record = self.records[place].get(key)
            return _answer(200, record) if record is not None else _answer(404, None)
        content = await request.read()
        return await self._write(request, place, key, msgspec.json.decode(content) if content else {})

    async def _write(self, request: web.Request, place: str, key: str, body: dict[str, Any]) -> web.Response:
        token = request.headers.get("Idempotency-Key", "")
        await self._pause()
        known = self._answers.get((place, token)) if token and place.startswith("idemp/") else None
        expected = request.headers.get("If-Match", "").strip('"')
        status, record = known or self._do(request.method, place, key, body, expected)
        if token:
            self._answers[place, token] = status, record
        self.calls[place].append(Called(request.method, key, token, known is None and status < 300))
        await self._pause()
        return _answer(status, record)

    def _do(
        self, method: str, place: str, key: str, body: dict[str, Any], expected: str
    ) -> tuple[int, dict[str, Any] | None]:
        records = self.records[place]
        if abs(body.get("amount", 0)) == REFUSED:
            return 422, {"title": "not this amount"}
        if expected and (key not in records or expected != str(records[key].get("version"))):
            return 412, {"title": "changed since"}
        match method:
            case "POST":
                if key in records:
                    return 409, {"title": "there already"}
                records[key] = body
                return 201, body
            case "DELETE":
                return (204, None) if records.pop(key, None) is not None else (404, None)
        if key not in records:
            return 404, None
        records[key] = {**records[key], **body}
        return 200, records[key]

    async def _pause(self) -> None:
        """A moment, another one each time, in which whoever called may die."""
        self._moment = (self._moment * 7 + 3) % 11
        await asyncio.sleep(self._moment / 4000)


def _place(request: web.Request) -> str:
    return "/".join(request.match_info[name] for name in ("kind", "name", "collection"))


def _answer(status: int, body: Any) -> web.Response:
    if status == 204:
        return web.Response(status=204)
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
