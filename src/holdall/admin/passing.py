"""Answers of the service that go to the browser as they come: files and exports of any size."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from holdall.admin.visit import Visit
from holdall.web.asgi import Message, Receive, Scope, Send

__all__ = ["Passed"]

_KEPT = {
    *("content-type", "content-length", "content-range", "content-disposition", "accept-ranges", "etag"),
    *("last-modified", "location", "retry-after"),
}


class Passed(Response):
    """The answer of the service to one question, with the headers of pages. Example: ``docs/back-office.md``."""

    def __init__(
        self, visit: Visit, method: str, path: str, query: str, headers: Sequence[tuple[str, str]] = (), name: str = ""
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._visit = visit
        self._asked = method, path, query, list(headers)
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask, and hand the answer on."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [(name, value) for name, value in message["headers"] if name.decode().lower() in _KEPT]
                if self._name and message["status"] == 200:
                    given.append((b"content-disposition", f'attachment; filename="{self._name}"'.encode()))
                message = {**message, "headers": [*given, *self.raw_headers]}
            await send(message)

        method, path, query, headers = self._asked
        await self._visit.site.inner.hand_on(self._visit.user, method, path, query, headers, told)
