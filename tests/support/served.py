"""A service and its client on a loop of their own, so that tests need not be coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self

from holdall import Holdall
from holdall.testing.client import Answer, Client
from tests.support.service_of_everything import thing

__all__ = ["Served"]


class Served:
    """An application served to a client in the same process; as a block it starts and ends."""

    def __init__(self, app: Holdall, headers: dict[str, str] | None = None, **options: Any) -> None:
        self.app = app
        self.service = app.asgi(create=True, **options)
        self._runner = asyncio.Runner()
        self._context = copy_context()
        self._client = Client(self.service, headers)
        self.thing = ""

    def __enter__(self) -> Self:
        self.run(self._client.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._client.__aexit__(kind, error, trace))
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        # Not Runner.run: it sets a handler of signals each time, which takes a fifth of the time of a request.
        loop = self._runner.get_loop()
        return loop.run_until_complete(loop.create_task(work, context=self._context))

    def request(self, *args: Any, **options: Any) -> Answer:
        answer: Answer = self.run(self._client.request(*args, **options))
        return answer

    def get(self, url: str, **headers: str) -> Answer:
        answer: Answer = self.run(self._client.get(url, **headers))
        return answer

    def post(self, url: str, json: Any) -> Answer:
        answer: Answer = self.run(self._client.post(url, json))
        return answer

    def patch(self, url: str, json: Any, **headers: str) -> Answer:
        answer: Answer = self.run(self._client.patch(url, json, **headers))
        return answer

    def delete(self, url: str, **headers: str) -> Answer:
        answer: Answer = self.run(self._client.delete(url, **headers))
        return answer

    def fill(self) -> None:
        """One record in each collection; ``thing`` is then the path of the thing."""
        self.post("/countries", {"code": "FR", "name": "France"})
        self.post("/cities", {"name": "Paris", "country": "FR"})
        self.post("/lines", {"order": 7, "code": "a"})
        made = self.post("/things", thing(city=1, line=[7, "a"], cities=[1]))
        assert made.status == 201, made.body
        self.thing = made.headers["location"]
