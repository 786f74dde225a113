"""``_check`` tells what a write would be refused for, and writes nothing; dates guard records that have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, FieldRights, Holdall, Model, Nobody, Policy, Ref, Role, User, computed, field
from holdall.testing.client import Client
from tests.support.shelves import OPEN, STORES, library, url_of

pytestmark = pytest.mark.anyio


class Stamped(Model, collection="stamped"):
    id: int = field(pk=True)
    text: str = ""
    written: datetime = field(auto_now="write")


class Named(Model, collection="named"):
    name: str = field(pk=True)


@pytest.fixture(params=STORES)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    url, options = url_of(request, tmp_path)
    async with Client(library(url, **options).asgi(create=True)) as opened:
        yield opened


async def test_nothing_is_written(client: Client) -> None:
    assert (await client.post("/books", {"id": 1, "title": "a", "isbn": "x"})).status == 201
    for body, status in (
        ({"id": 2, "title": "b"}, 204),
        ([{"id": 2, "title": "b"}, {"id": 3, "title": "c"}], 204),
        ({"id": 2}, 422),
        ({"id": 2, "title": "b", "nope": 1}, 422),
        ([{"id": 2, "title": "b"}, {"id": 3}], 422),
        ([{"id": 2, "title": "b"}, {"id": 2, "title": "c"}], 409),
    ):
        answer = await client.post("/books/_check", body)
        assert answer.status == status, (body, answer.body)
        assert (answer.body == b"") == (status == 204)
    for patch, status in (({"title": "x"}, 204), ({}, 204), ({"pages": -1}, 422), ({"version": 3}, 422)):
        answer = await client.patch("/books/_check", patch)
        assert answer.status == status, (patch, answer.body)
    assert (await client.get("/books")).json()["total_count"] == 1


async def test_conflicts_are_seen_where_stores_have_transactions(tmp_path: Path) -> None:
    async with Client(library(f"sqlite:///{tmp_path}/x.db").asgi(create=True)) as client:
        await client.post("/books", {"id": 1, "title": "a", "isbn": "x"})
        for body, kind in (
            ({"id": 1, "title": "b"}, "exists"),
            ({"id": 2, "title": "b", "isbn": "x"}, "unique"),
            ({"id": 2, "title": "b", "shelf": "none"}, "invalid"),
        ):
            answer = await client.post("/books/_check", body)
            assert (answer.status, answer.json()["type"]) == (422 if kind == "invalid" else 409, f"urn:holdall:{kind}")


async def test_its_place_is_no_record_s() -> None:
    app = Holdall("named")
    app.add_store("main", "memory:")
    app.add(Named, store="main", policy=OPEN)
    async with Client(app.asgi()) as client:
        made = await client.post("/named", {"name": "_check"})
        assert (made.status, made.headers["location"]) == (201, "/named/%5Fcheck")
        assert (await client.get("/named/%5Fcheck")).json() == {"name": "_check"}
        assert (await client.post("/named", {"name": "_other"})).status == 201
        assert (await client.get("/named/_other")).status == 200
        allowed = await client.request("OPTIONS", "/named/_check")
        assert (allowed.status, allowed.headers["allow"]) == (204, "OPTIONS, PATCH, POST")
        assert (await client.get("/named/_check")).status == 405
        document = (await client.get("/openapi.json")).json()
        assert set(document["paths"]["/named/_check"]) == {"post", "patch"}


async def test_it_needs_the_right_of_the_write() -> None:
    async with Client(library("memory:", Policy(read=Everyone, create=Nobody, update=Everyone)).asgi()) as client:
        assert (await client.post("/books/_check", {"id": 1, "title": "a"})).status == 403
        assert (await client.patch("/books/_check", {"title": "a"})).status == 204
    async with Client(library("memory:", Policy(read=Nobody, write=Nobody)).asgi()) as client:
        assert (await client.request("OPTIONS", "/books/_check")).status == 404


async def ask(client: Client, method: str, body: object = None, **headers: str) -> Any:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return await client.request(method, "/stamped/1", json=body, headers=given)


async def test_dates_of_records_guard_them() -> None:
    app = Holdall("stamped")
    app.add_store("main", "memory:")
    app.add(Stamped, store="main", policy=OPEN)
    async with Client(app.asgi()) as client:
        made = await client.post("/stamped", {"id": 1})
        date = made.headers["last-modified"]
        shown = datetime.fromisoformat(made.json()["written"]).replace(microsecond=0)
        assert parsedate_to_datetime(date) == shown
        assert (await ask(client, "GET")).headers["last-modified"] == date
        before = format_datetime(shown.astimezone(UTC) - timedelta(seconds=5), usegmt=True)
        later = format_datetime(shown.astimezone(UTC) + timedelta(seconds=5), usegmt=True)
        for wanted, status in ((date, 304), (later, 304), (before, 200), ("nonsense", 200)):
            assert (await ask(client, "GET", if_modified_since=wanted)).status == status, wanted
        assert (await ask(client, "GET", if_modified_since=date, if_none_match='"x"')).status == 200
        assert (await ask(client, "GET", if_unmodified_since=before)).status == 412
        for method, body in (("PATCH", {"text": "x"}), ("PUT", {"text": "x"}), ("DELETE", None)):
            assert (await ask(client, method, body, if_unmodified_since=before)).status == 412
        changed = await ask(client, "PATCH", {"text": "x"}, if_unmodified_since=later)
        assert (changed.status, "last-modified" in changed.headers) == (200, True)
        assert (await ask(client, "PUT", {"text": "y"}, if_unmodified_since="nonsense")).status == 200
        note = await client.post("/stamped", {"id": 2}, prefer="return=minimal")
        assert "last-modified" in note.headers


async def test_what_has_no_date_tells_none() -> None:
    async with Client(library("memory:").asgi()) as client:
        made = await client.post("/notes", {"text": "a"})
        assert "last-modified" not in made.headers
        place = made.headers["location"]
        given = {"if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}
        assert (await client.request("DELETE", place, headers=given)).status == 204


class Composer(Model, collection="composers"):
    id: int = field(pk=True)
    name: str = ""


class Play(Model, collection="plays"):
    id: int = field(pk=True)
    composer: Ref[Composer]
    fee: int = 0
    written: datetime = field(auto_now="write")

    @computed
    def line(self) -> str:
        return f"by {self.composer.name}"


async def test_a_date_says_nothing_of_what_is_not_the_record() -> None:
    app = Holdall("plays")
    app.add_store("main", "memory:")
    app.add(Composer, Play, store="main", policy=OPEN)
    since = {"if-modified-since": format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)}
    async with Client(app.asgi()) as client:
        await client.post("/composers", {"id": 1, "name": "Ann"})
        await client.post("/plays", {"id": 1, "composer": 1})
        await client.patch("/composers/1", {"name": "Bea"})
        for query, status in (
            ("", 200),
            ("?fields=line", 200),
            ("?include=composer&fields=id", 200),
            ("?fields=fee", 304),
        ):
            for method in ("GET", "HEAD"):
                found = await client.request(method, f"/plays/1{query}", headers=since)
                assert found.status == status, query
                assert "last-modified" in found.headers


async def test_a_date_says_nothing_of_who_may_read_a_field() -> None:
    async def who(scope: Any) -> User:
        role = dict(scope["headers"]).get(b"x-role", b"").decode()
        return User("ann", roles=frozenset({role}))

    app = Holdall("stamped")
    app.add_store("main", "memory:")
    fields = {"text": FieldRights(read=Role("boss"))}
    app.add(Stamped, store="main", policy=Policy(read=Everyone, write=Everyone, fields=fields))
    async with app.session() as session:
        session.add(Stamped(id=1, text="secret"))
    async with Client(app.asgi(authenticate=who)) as client:
        date = (await ask(client, "GET")).headers["last-modified"]
        promoted = await ask(client, "GET", if_modified_since=date, x_role="boss")
        assert (promoted.status, promoted.json()["text"]) == (200, "secret")
