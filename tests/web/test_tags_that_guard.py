"""If-Match is compared in the step that writes, in every store; nested patches at once lose nothing of each other."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from holdall import JSON, Everyone, Holdall, Model, Policy, Ref, field
from holdall.errors import StateError
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)
MANY = 8


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    n: int = field(default=0)
    price: Decimal = field(default=Decimal(1), digits=8, places=2)
    ratio: float = field(default=0.5)
    text: str = field(default="É a ")
    j: JSON = field(default=None)


class Kept(Model, collection="kept"):
    id: int = field(pk=True)
    n: int = field(default=0)
    j: JSON = field(default=None)
    version: int = field(version=True)


class Child(Model, collection="children"):
    id: int = field(pk=True)
    parent: Ref[Note | None] = field(default=None)


_SERVERS = {"postgres": "postgres_url", "mariadb": "mariadb_url", "mongo": "mongo_url"}


@pytest.fixture(params=["memory:", "sqlite", "yaml", "postgres", "mariadb", "mongo", "standalone_mongo", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param in _SERVERS:
        made: str = request.getfixturevalue("fresh_database")(request.getfixturevalue(_SERVERS[request.param]))
        return made
    if request.param == "standalone_mongo":
        return f"{request.getfixturevalue('standalone_mongo_url').rpartition('/')[0]}/g{secrets.token_hex(6)}"
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    urls: dict[str, str] = {"sqlite": f"sqlite:///{tmp_path}/a.db", "yaml": f"yaml:{tmp_path}/y"}
    return urls.get(request.param, str(request.param))


@pytest.fixture
async def app(url: str) -> AsyncIterator[Holdall]:
    made = Holdall("guard", journal="memory:")
    options: dict[str, Any] = {"prefix": secrets.token_hex(6), "scan_limit": 1000} if url.startswith("redis") else {}
    made.add_store("m", url, **options)
    made.add(Note, Kept, Child, store="m", policy=OPEN)
    await made.create()
    yield made
    await made.close()


async def _tag(client: Client, path: str) -> str:
    return (await client.get(path)).headers["etag"]


@pytest.mark.parametrize("path", ["/notes/1", "/kept/1"])
async def test_of_many_patches_with_one_tag_one_is_carried_out(app: Holdall, path: str) -> None:
    async with Client(app.asgi()) as c:
        await c.post(path[:-2], {"id": 1, "j": {"a": [1, None, 2.5], "b": True}})
        for _ in range(3):
            tag = await _tag(c, path)
            answers = await asyncio.gather(*(c.patch(path, {"n": i + 1}, **{"if-match": tag}) for i in range(MANY)))
            assert Counter(answer.status for answer in answers) == {200: 1, 412: MANY - 1}
            (winner,) = [answer for answer in answers if answer.status == 200]
            assert (await c.get(path)).json()["n"] == winner.json()["n"]
            await c.patch(path, {"n": 0})


@pytest.mark.parametrize("path", ["/notes/1", "/kept/1"])
async def test_a_removal_and_a_patch_with_one_tag_are_one(app: Holdall, path: str) -> None:
    async with Client(app.asgi()) as c:
        for _ in range(4):
            await c.post(path[:-2], {"id": 1})
            tag = await _tag(c, path)
            condition = {"if-match": tag}
            answers = await asyncio.gather(
                c.patch(path, {"n": 5}, **condition),
                c.request("DELETE", path, headers=condition),
                c.patch(path, {"n": 6}, **condition),
                c.request("DELETE", path, headers=condition),
            )
            statuses = [answer.status for answer in answers]
            assert sum(status in (200, 204) for status in statuses) == 1, statuses
            assert set(statuses) <= {200, 204, 404, 412}
            await c.request("DELETE", path)


@pytest.mark.parametrize("path", ["/notes/1", "/kept/1"])
async def test_nested_patches_at_once_lose_nothing_of_each_other(app: Holdall, path: str) -> None:
    async with Client(app.asgi()) as c:
        await c.post(path[:-2], {"id": 1, "j": {}})
        answers = await asyncio.gather(*(c.patch(path, {"j": {f"k{i}": i}}) for i in range(MANY)))
        done = [i for i, answer in enumerate(answers) if answer.status == 200]
        assert {answer.status for answer in answers} == {200}, "each was merged into what the one before had written"
        assert (await c.get(path)).json()["j"] == {f"k{i}": i for i in done}
        tag = await _tag(c, path)
        guarded = [c.patch(path, {"j": {f"m{i}": i}}, **{"if-match": tag}) for i in range(MANY)]
        assert Counter(answer.status for answer in await asyncio.gather(*guarded)) == {200: 1, 412: MANY - 1}


@pytest.mark.parametrize("path", ["/notes/1", "/kept/1"])
async def test_a_tag_is_good_for_what_it_was_given_for(app: Holdall, path: str) -> None:
    async with Client(app.asgi()) as c:
        made = await c.post(path[:-2], {"id": 1, "j": {"b": 1, "a": [1.0, "x", None]}, "n": 2})
        tag = made.headers["etag"]
        patched = await c.patch(path, {"n": 3, "j": {"c": {"d": 1}}}, **{"if-match": tag})
        assert patched.status == 200, "the tag of a POST"
        patched = await c.patch(path, {"n": 4}, **{"if-match": f'"other", {patched.headers["etag"]}'})
        assert patched.status == 200, "the tag of a PATCH"
        removed = await c.request("DELETE", path, headers={"if-match": await _tag(c, path)})
        assert removed.status == 204, "the tag of a GET"


async def test_a_version_is_no_tag(app: Holdall) -> None:
    """Of a record that was removed and made again it would be the same."""
    async with Client(app.asgi()) as c:
        await c.post("/kept", {"id": 1, "n": 1})
        assert (await c.patch("/kept/1", {"n": 2}, **{"if-match": '"1"'})).status == 412
        assert (await c.patch("/kept/1", {"n": 2}, **{"if-match": await _tag(c, "/kept/1")})).status == 200


async def test_a_record_made_again_is_another_one_also_between_reading_and_writing(app: Holdall) -> None:
    async with app.session() as s:
        s.add(Kept(id=1, n=1))
    async with app.session() as s:
        mine = await s.require(Kept, 1)
        s.expect(mine)
        async with app.session() as other:
            other.remove(await other.require(Kept, 1))
        async with app.session() as other:
            other.add(Kept(id=1, n=7))
        mine.j = "mine"
        result = await s.commit(raise_for_status=False)
        assert result.error is not None
        s.rollback()
    async with app.session() as s:
        found = await s.require(Kept, 1)
        assert (found.n, found.j, found.version) == (7, None, 1)


async def test_only_the_named_fields_are_expected(app: Holdall) -> None:
    async with app.session() as s:
        s.add(Note(id=1))
    async with app.session() as s:
        mine = await s.require(Note, 1)
        s.expect(mine, "text")
        async with app.session() as other:
            (await other.require(Note, 1)).n = 9
        mine.ratio = 2.5
    async with app.session() as s:
        found = await s.require(Note, 1)
        assert (found.n, found.ratio) == (9, 2.5)
        with pytest.raises(StateError):
            s.expect(found, "nope")
        with pytest.raises(StateError):
            s.expect(s.add(Note(id=2)))
        s.rollback()
