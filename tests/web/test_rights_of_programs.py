"""Rights that a program makes up are forbidden, and nothing fails for them."""

from __future__ import annotations

import pytest

from holdall import Everyone, Holdall, LiveEvent, Model, Policy, field
from holdall.errors import Forbidden
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = ""


@pytest.mark.parametrize("right", ["publish", "create", "read"])
@pytest.mark.parametrize("collection", ["books", "nowhere"])
async def test_a_right_that_is_denied_within_a_commit_is_forbidden(right: str, collection: str) -> None:
    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))

    @app.on(Book.created)
    def deny(event: LiveEvent) -> None:
        raise Forbidden(right, collection)

    async with Client(app.asgi()) as client:
        is_known = collection == "books" and right != "publish"  # and another user might have it
        for body in ({"id": 1}, [{"id": 2}]):
            answer = await client.post("/books", json=body)
            assert answer.status == (401 if is_known else 403)
        assert (await client.get("/books")).json()["total_count"] == 0
    await app.close()
