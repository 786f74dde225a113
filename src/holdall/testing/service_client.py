"""Clients of a service that say which status they expect: for tests with a loop of their own, and for those without."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from holdall.testing.client import Answer, Client

__all__ = ["AsyncServiceClient", "ServiceClient"]

T = TypeVar("T")

_SHOWN = 2_000  # bytes of a body


class AsyncServiceClient:
    """Sends requests to a service in the same loop, and raises AssertionError for another status than is expected.

    Expected are 200, of a POST 201 and of a DELETE 204; ``expect`` says another, or None for any. As ``async with``
    block it starts the service and ends it. ``headers`` go with every request; ``token`` is sent as a bearer's.

    >>> from holdall import Everyone, Holdall, Model, Policy, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
    >>> async def example() -> None:
    ...     async with AsyncServiceClient(app.asgi()) as client:
    ...         await client.post("/book", {"id": 1, "title": "Emma"})
    ...         print((await client.get("/book/1")).json()["title"])
    ...         await client.put("/book/1", {"title": "Emma"})
    ...         await client.patch("/book/1", {"title": 7}, expect=422)
    ...         await client.delete("/book/1")
    ...         await client.get("/book/1")
    >>> import asyncio
    >>> asyncio.run(example())
    Traceback (most recent call last):
    AssertionError: GET /book/1 was answered with 404, not 200: There is no such record.
    """

    def __init__(
        self, service: Any, headers: dict[str, str] | None = None, *, token: str | None = None, seconds: float = 30.0
    ) -> None:
        given = dict(headers or {})
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        self._client = Client(service, given, seconds)

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        expect: int | None = 200,
    ) -> Answer:
        """Send one request. Raises AssertionError for another status than ``expect``."""
        answer = await self._client.request(method, url, json=json, body=body, headers=headers)
        demand_status(answer, method, url, expect)
        return answer

    async def get(self, url: str, *, headers: dict[str, str] | None = None, expect: int | None = 200) -> Answer:
        """Send a GET. Raises AssertionError for another status than ``expect``."""
        return await self.request("GET", url, headers=headers, expect=expect)

    async def post(
        self, url: str, json: object, *, headers: dict[str, str] | None = None, expect: int | None = 201
    ) -> Answer:
        """Send a POST of JSON. Raises AssertionError for another status than ``expect``."""
        return await self.request("POST", url, json=json, headers=headers, expect=expect)

    async def put(
        self, url: str, json: object, *, headers: dict[str, str] | None = None, expect: int | None = 200
    ) -> Answer:
        """Send a PUT of JSON. Raises AssertionError for another status than ``expect``."""
        return await self.request("PUT", url, json=json, headers=headers, expect=expect)

    async def patch(
        self, url: str, json: object, *, headers: dict[str, str] | None = None, expect: int | None = 200
    ) -> Answer:
        """Send a PATCH of JSON. Raises AssertionError for another status than ``expect``."""
        return await self.request("PATCH", url, json=json, headers=headers, expect=expect)

    async def delete(self, url: str, *, headers: dict[str, str] | None = None, expect: int | None = 204) -> Answer:
        """Send a DELETE. Raises AssertionError for another status than ``expect``."""
        return await self.request("DELETE", url, headers=headers, expect=expect)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)


class ServiceClient:
    """The same for tests that are not async: the service runs on a loop of the client's own, when it is asked.

    With a ``runner`` it runs on that one, which is left as it is.

    >>> from holdall import Everyone, Holdall, Model, Policy, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
    >>> with ServiceClient(app.asgi()) as client:
    ...     created = client.post("/book", {"id": 1})
    ...     created.headers["location"], client.get("/book").json()["total_count"]
    ...     client.run(app.health()).is_well
    ('/book/1', 1)
    True
    """

    def __init__(
        self,
        service: Any,
        headers: dict[str, str] | None = None,
        *,
        token: str | None = None,
        seconds: float = 30.0,
        runner: asyncio.Runner | None = None,
    ) -> None:
        self._runner = asyncio.Runner() if runner is None else runner
        self._client = AsyncServiceClient(service, headers, token=token, seconds=seconds)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop of the service, such as what fills its stores."""
        return self._runner.run(work)

    def request(self, method: str, url: str, **options: Any) -> Answer:
        """Send one request. Raises AssertionError for another status than ``expect``."""
        return self.run(self._client.request(method, url, **options))

    def get(self, url: str, **options: Any) -> Answer:
        """Send a GET. Raises AssertionError for another status than ``expect``."""
        return self.run(self._client.get(url, **options))

    def post(self, url: str, json: object, **options: Any) -> Answer:
        """Send a POST of JSON. Raises AssertionError for another status than ``expect``."""
        return self.run(self._client.post(url, json, **options))

    def put(self, url: str, json: object, **options: Any) -> Answer:
        """Send a PUT of JSON. Raises AssertionError for another status than ``expect``."""
        return self.run(self._client.put(url, json, **options))

    def patch(self, url: str, json: object, **options: Any) -> Answer:
        """Send a PATCH of JSON. Raises AssertionError for another status than ``expect``."""
        return self.run(self._client.patch(url, json, **options))

    def delete(self, url: str, **options: Any) -> Answer:
        """Send a DELETE. Raises AssertionError for another status than ``expect``."""
        return self.run(self._client.delete(url, **options))

    def __enter__(self) -> Self:
        self._runner.__enter__()
        try:
            self.run(self._client.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.run(self._client.__aexit__(kind, error, trace))
        finally:
            self._runner.close()


def demand_status(answer: Answer, method: str, url: str, expect: int | None) -> None:
    """Raise AssertionError, with what the answer says, unless it has this status."""
    if expect is None or answer.status == expect:
        return
    raise AssertionError(f"{method} {url} was answered with {answer.status}, not {expect}: {_told(answer)}")


def _told(answer: Answer) -> str:
    if answer.headers.get("content-type") != "application/problem+json":
        return answer.body[:_SHOWN].decode("utf-8", "replace")
    problem = answer.json()
    errors = [f"{error['path']} {error['message']}" for error in problem.get("errors", ())]
    return "; ".join([problem["detail"], *errors])
