"""The verbs of a REST view, with and without async, over stores: what they answer, in which order they call, and what
stays when one of them fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import StateError
from holdall.testing.client import Client
from holdall.web.views import include_view
from tests.servers.scratch import scratch_database
from tests.support.shop_of_views import BOOKS, KINDS, RESTS, Book, Line, shop

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgresql":
        with scratch_database(request.getfixturevalue("postgres_url")) as made:
            yield made
    else:
        yield "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Client]:
    view = BOOKS[request.param]
    view.calls.clear()
    service = shop(url).asgi(create=True)
    include_view(service, view)
    async with Client(service) as opened:
        assert (await opened.post("/authors", {"name": "Austen"})).json() == {"id": 1, "name": "Austen"}
        opened.calls = view.calls  # type: ignore[attr-defined]
        yield opened


async def created(client: Client, **values: Any) -> Any:
    answer = await client.post("/books", {"title": "Emma", "author": 1} | values)
    assert answer.status == 201, answer.json()
    return answer


async def test_the_verbs_answer_as_those_of_a_collection_do(client: Client) -> None:
    answer = await created(client, pages=474)
    book = answer.json()
    assert book == {
        "id": 1, "title": "Emma", "pages": 474, "status": "draft", "secret": "", "size": {}, "author": 1, "version": 1,
    }  # fmt: skip
    assert answer.headers["location"] == "/books/1"
    shown = await client.get("/books/1")
    assert (shown.status, shown.json(), shown.headers["etag"]) == (200, book, answer.headers["etag"])
    assert (await client.get("/books/1", if_none_match=shown.headers["etag"])).status == 304
    changed = await client.patch("/books/1", {"pages": 475, "size": {"width": 1}})
    assert (changed.status, changed.json()) == (200, book | {"pages": 475, "size": {"width": 1}, "version": 2})
    merged = await client.patch("/books/1", {"size": {"height": 2}})
    assert merged.json()["size"] == {"width": 1, "height": 2}
    listed = await client.get("/books?title__contains=mm&sort=-pages")
    assert (listed.status, listed.json()["data"], listed.json()["total_count"]) == (200, [merged.json()], 1)
    assert (await client.delete("/books/1")).status == 204
    assert (await client.get("/books/1")).status == 404
    assert (await client.get("/books")).json()["data"] == []


async def test_what_build_query_leaves_out_is_nowhere(client: Client) -> None:
    await created(client, status="hidden")
    await created(client, status="shown")
    await demand_hidden(client)
    assert (await client.patch("/books/1", {"pages": 1})).status == 404
    assert (await client.delete("/books/1")).status == 404
    assert (await client.post("/books/1/publish", {})).status == 404


async def demand_hidden(client: Client) -> None:
    """Neither a list, a count, nor a key leads to the hidden book."""
    listed = (await client.get("/books")).json()
    assert ([book["id"] for book in listed["data"]], listed["total_count"]) == ([2], 1)
    assert (await client.get("/books/1")).status == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_a_view_that_forgets_its_query_is_caught(kind: str) -> None:
    class Forgetting(BOOKS[kind]):  # type: ignore[misc, valid-type]
        def build_query(self) -> Any:
            return Book.where()

    service = shop("memory:").asgi()
    include_view(service, Forgetting)
    async with Client(service) as client:
        await client.post("/authors", {"name": "Austen"})
        await created(client, status="hidden")
        await created(client, status="shown")
        with pytest.raises(AssertionError):
            await demand_hidden(client)


async def test_tiers_and_hooks_come_in_their_order(client: Client) -> None:
    calls: list[Any] = client.calls  # type: ignore[attr-defined]
    await created(client)
    assert calls == [
        ("authorize", "create", False, True), ("before_commit", "create", "draft", None),
        ("after_commit", "create", "draft", None),
    ]  # fmt: skip
    calls.clear()
    await client.get("/books")
    await client.get("/books/1")
    assert calls == [("authorize", "get_many", False, False), ("authorize", "get_one", True, False)]
    calls.clear()
    await client.patch("/books/1", {"status": "sold"})
    assert calls == [
        ("authorize", "update", True, True), ("before_commit", "update", "sold", "draft"),
        ("after_commit", "update", "sold", "draft"),
    ]  # fmt: skip
    calls.clear()
    published = await client.post("/books/1/publish?note=!", {})
    assert (published.status, published.json()["status"]) == (200, "published!")
    assert [call[:2] for call in calls] == [
        ("authorize", "get_one"), ("authorize", "publish"), ("before_commit", "publish"), ("after_commit", "publish"),
    ]  # fmt: skip
    calls.clear()
    await client.delete("/books/1")
    assert calls == [
        ("authorize", "delete", True, False), ("before_commit", "delete", None, "published!"),
        ("after_commit", "delete", None, "published!"),
    ]  # fmt: skip


async def test_a_body_is_judged_before_anything_is_authorized(client: Client) -> None:
    answer = await client.post("/books", {"pages": -1, "nope": 1})
    assert answer.status == 422
    assert {error["path"] for error in answer.json()["errors"]} == {"pages", "nope", "title", "author"}
    assert client.calls == []  # type: ignore[attr-defined]


async def test_what_a_hook_before_the_commit_refuses_is_not_written(client: Client) -> None:
    with pytest.raises(ValueError, match="refused by a hook"):
        await client.post("/books", {"title": "refused", "author": 1})
    assert (await client.get("/books")).json()["total_count"] == 0


async def test_what_a_hook_after_the_commit_fails_at_is_written_and_told(client: Client) -> None:
    answer = await client.post("/books", {"title": "failing", "author": 1})
    assert (answer.status, answer.headers["holdall-after-commit"]) == (201, "failed")
    assert (await client.get("/books/1")).json()["title"] == "failing"


async def test_several_writes_are_one_commit(client: Client) -> None:
    assert (await client.post("/books/pair?first=a&second=b", {})).status == 201
    assert (await client.get("/books")).json()["total_count"] == 2
    with pytest.raises(ValueError, match="refused by a hook"):
        await client.post("/books/pair?first=c&second=refused", {})
    assert (await client.get("/books")).json()["total_count"] == 2
    hooks = [call[:2] for call in client.calls]  # type: ignore[attr-defined]
    assert hooks[:6] == [
        ("authorize", "create"), ("before_commit", "create"), ("authorize", "create"), ("before_commit", "create"),
        ("after_commit", "create"), ("after_commit", "create"),
    ]  # fmt: skip


async def test_an_action_without_its_object_writes_nothing(client: Client) -> None:
    with pytest.raises(StateError, match=r"set w.obj before its block ends"):
        await client.post("/books/forgetful", {})
    assert (await client.get("/books")).json()["total_count"] == 0


async def test_an_action_may_be_about_no_record(client: Client) -> None:
    await created(client)
    await created(client, pages=3)
    answer = await client.post("/books/purge", {})
    assert (answer.status, answer.json()) == (200, 1)
    assert [book["pages"] for book in (await client.get("/books")).json()["data"]] == [3]


async def test_what_a_route_leaves_in_its_session_is_committed(client: Client) -> None:
    assert (await client.post("/books/left", {})).json() == "done"
    assert (await client.get("/books")).json()["data"][0]["title"] == "left in the session"


async def test_if_match_guards_changes_actions_and_removals(client: Client) -> None:
    tag = (await created(client)).headers["etag"]
    assert (await client.patch("/books/1", {"pages": 1}, if_match='"other"')).status == 412
    assert (await client.patch("/books/1", {"pages": 1}, if_match=tag)).status == 200
    assert (await client.patch("/books/1", {"pages": 2}, if_match=tag)).status == 412
    assert (await client.post("/books/1/publish", {}, if_match=tag)).status == 412
    assert (await client.delete("/books/1", if_match=tag)).status == 412
    assert (await client.delete("/books/1", if_match="*")).status == 204


async def test_pages_fields_and_cursors_are_those_of_collections(client: Client) -> None:
    for number in range(5):
        await created(client, pages=number)
    page = (await client.get("/books?page_size=2&page=2&sort=-pages")).json()
    assert ([book["pages"] for book in page["data"]], page["total_count"], page["total_pages"]) == ([2, 1], 5, 3)
    seen, after = [], ""
    while after is not None:
        page = (await client.get(f"/books?page_size=2&sort=-pages&after={after}&fields=pages,id")).json()
        seen += [(book["pages"], set(book)) for book in page["data"]]
        after = page["next"]
    assert seen == [(number, {"id", "pages"}) for number in (4, 3, 2, 1, 0)]
    assert (await client.get("/books?author.name=Austen&count=none")).json()["total_count"] is None


@pytest.mark.parametrize(
    "path", ["/books?nope=1", "/books?nope__gt=1", "/books?sort=nope", "/books?fields=nope", "/books/1?page=2"]
)
async def test_unknown_parameters_are_refused(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 422


async def test_a_key_that_can_be_none_is_absent(client: Client) -> None:
    assert (await client.get("/books/abc")).status == 404
    assert (await client.get("/books/99999999999999999999")).status == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_keys_of_several_parts_have_routes(kind: str) -> None:
    class Lines(RESTS[kind][Line]):  # type: ignore[misc]
        prefix = "/order-lines"

    service = shop("memory:").asgi()
    include_view(service, Lines)
    async with Client(service) as client:
        answer = await client.post("/order-lines", {"order": 7, "number": "a,b", "what": "tea"})
        assert (answer.status, answer.headers["location"]) == (201, "/order-lines/7,a%2Cb")
        assert (await client.get("/order-lines/7,a%2Cb")).json()["what"] == "tea"
        assert (await client.get("/lines/7,a%2Cb")).json()["what"] == "tea"  # the collection is there beside it
