"""Two worlds that differ only in records the user may not read: every request is answered the same in both."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI

from holdall import (
    Authenticated,
    Fill,
    Holdall,
    Many,
    Model,
    OnDelete,
    Policy,
    Ref,
    Role,
    Session,
    User,
    back,
    computed,
    field,
)
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Authenticated, write=Authenticated)
BOSS = Policy(read=Role("boss"), write=Role("boss"))


class Kept(Model, collection="kept"):
    id: int = field(pk=True)
    kids: Many[Kid] = back("kept")


class Owner(Model, collection="owners"):
    id: int = field(pk=True)
    things: Many[Thing] = back("owner", on_delete=OnDelete.CASCADE)


class Left(Model, collection="left"):
    id: int = field(pk=True)
    links: Many[Link] = back("left", on_delete=OnDelete.UNLINK)


class Shelf(Model, collection="shelves"):
    """Keeps the keys of what refers to it."""

    id: int = field(pk=True)
    text: str = field(default="")
    volumes: Many[Volume] = back("shelf", fill=Fill.STORED, on_delete=OnDelete.UNLINK)

    @computed
    def seen(self) -> list[int]:
        return list(self.volumes.keys)

    @computed
    def said(self) -> str:
        return f"{self} {self.fields} {self['volumes']}"


class Volume(Model, collection="volumes"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


class Kid(Model, collection="kids"):
    id: int = field(pk=True)
    kept: Ref[Kept | None] = field(default=None)


class Thing(Model, collection="things"):
    id: int = field(pk=True)
    owner: Ref[Owner | None] = field(default=None)


class Link(Model, collection="links"):
    id: int = field(pk=True)
    left: Ref[Left | None] = field(default=None)


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    kid: Ref[Kid | None] = field(default=None)
    kids: Many[Kid] = field(default=())
    text: str = field(default="")
    shelf: Ref[Shelf | None] = field(default=None)

    @computed
    def volumes(self) -> list[int] | None:
        return list(self.shelf.volumes.keys) if self.shelf else None


async def who(scope: MutableMapping[str, Any]) -> User:
    return User("bob")


async def world(policy: Policy, *, is_filled: bool) -> Holdall:
    app = Holdall("world")
    app.add_store("m", "memory:")
    app.add(Kept, Owner, Left, Note, Shelf, store="m", policy=OPEN)
    app.add(Kid, Thing, Link, Volume, store="m", policy=policy)
    async with app.session() as s:
        s.add_all([*[kind(id=1) for kind in (Kept, Owner, Left, Shelf)], Note(id=1, shelf=1)])
    if is_filled:
        async with app.session() as s:
            s.add_all([Kid(id=7, kept=1), Thing(id=7, owner=1), Link(id=7, left=1), Volume(id=7, shelf=1)])
    return app


SHELVES = [
    "volumes=7",
    "volumes.id=7",
    "volumes__isnull=true",
    "fields=id,volumes",
    "sort=volumes.id",
    "text=",
    "after=",
]
PATHS = ["kids", "kids/7", "kids/8", "things/7", "links/7", "kids/x,y", "kept/1/kids", "kids/7/kept", "kids?id=7"]
QUERIES = ["kids.id=7", "kids=7", "sort=kids.id", "kids__isnull=true", "include=kids", "fields=kids", "count=exact"]
BODIES = [
    {"id": 2, "kid": 7},
    {"id": 3, "kid": 8},
    {"kid": 7},
    {"kid": 8},
    {"id": 4, "kid": "x"},
    {"id": 5},
    {"text": "x"},
]
BODIES += [{"id": 6, "kids": [7]}, {"id": 6, "kids": []}, {"kids": [7, 8]}, {"kids": []}]
REQUESTS: list[tuple[str, str, Any]] = [
    *[(m, f"/{p}", None) for m in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH", "FOO") for p in PATHS],
    *[("GET", f"/{p}?{q}", None) for p in ("kept", "notes", "kept/1") for q in QUERIES],
    *[("GET", f"/shelves?{q}", None) for q in SHELVES],
    *[("GET", f"/shelves/1?{q}", None) for q in ("fields=volumes", "fields=id,text,volumes", "fields=text")],
    ("PATCH", "/shelves/1", {"text": "x"}),
    *[("PATCH", "/shelves/1", {"volumes": keys}) for keys in ([7], [8], [])],
    ("POST", "/shelves", {"id": 2}),
    *[("GET", f"/notes?{q}", None) for q in ("kid.id=7", "kid.kept=1", "sort=kid.kept", "kid=7")],
    *[("POST", "/notes", body) for body in BODIES],
    *[("PATCH", "/notes/1", body) for body in BODIES],
    *[("GET", f"/{p}/1", None) for p in ("kept", "owners", "left", "notes", "shelves")],
    *[("DELETE", f"/{p}/1", None) for p in ("kept", "owners", "left", "notes", "shelves")],
]


OWN: list[tuple[str, str, Any]] = [
    *[("GET", f"/own/{p}/1", None) for p in ("notes", "shelves")],
    *[("POST", "/own/notes", body) for body in BODIES],
    *[("POST", f"/own/shelves/1/volumes/{key}", None) for key in (7, 8)],
    *[("DELETE", f"/own/shelves/1/volumes/{key}", None) for key in (7, 8)],
    ("DELETE", "/own/shelves/1", None),
]


def served(app: Holdall) -> Client:
    """The collections, and routes of one's own that do what these do."""
    service: FastAPI = app.asgi(authenticate=who)
    work: Any = app.session_dependency()

    @service.get("/own/notes/{key}")
    async def note(key: int, session: Session = work) -> Note:
        return await session.require(Note, key)

    @service.get("/own/shelves/{key}")
    async def shelf(key: int, session: Session = work) -> list[Shelf]:
        return [await session.require(Shelf, key)]

    @service.post("/own/notes")
    async def add(note: Annotated[Note, Body()], session: Session = work) -> Note:
        session.add(note)
        await session.commit()
        return note

    @service.post("/own/shelves/{key}/volumes/{volume}")
    async def put(key: int, volume: int, session: Session = work) -> None:
        (await session.require(Shelf, key)).volumes.add(volume)

    @service.delete("/own/shelves/{key}/volumes/{volume}")
    async def take(key: int, volume: int, session: Session = work) -> None:
        (await session.require(Shelf, key)).volumes.remove(volume)

    @service.delete("/own/shelves/{key}")
    async def remove(key: int, session: Session = work) -> None:
        session.remove(await session.require(Shelf, key))

    return Client(service)


async def answers(app: Holdall) -> list[Any]:
    async with served(app) as c:
        found = []
        for method, url, json in [*REQUESTS, *OWN]:
            answer = await c.request(method, url, json=json, headers={"x-request-id": "one"})
            found.append((method, url, json, answer.status, answer.headers, answer.body))
        return found


async def test_hidden_records_make_no_difference() -> None:
    empty = await answers(await world(BOSS, is_filled=False))
    filled = await answers(await world(BOSS, is_filled=True))
    assert [pair for pair in zip(empty, filled, strict=True) if pair[0] != pair[1]] == []


async def test_records_that_may_be_read_make_one() -> None:
    empty = await answers(await world(OPEN, is_filled=False))
    filled = await answers(await world(OPEN, is_filled=True))
    assert empty != filled


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"])
async def test_a_collection_that_nobody_may_see_is_as_one_that_is_not(method: str) -> None:
    async with Client((await world(BOSS, is_filled=True)).asgi(authenticate=who)) as c:
        hidden, absent = [
            await c.request(method, url, headers={"x-request-id": "one"}) for url in ("/kids", "/nothing")
        ]
        assert (hidden.status, hidden.headers, hidden.body) == (absent.status, absent.headers, absent.body)


async def test_a_reference_into_what_is_hidden_can_stay() -> None:
    app = await world(BOSS, is_filled=True)
    async with app.session() as s:
        s.add(Note(id=9, kid=7, kids=[7]))
    async with Client(app.asgi(authenticate=who)) as c:
        assert (await c.patch("/notes/9", {"kid": 7, "kids": [7], "text": "x"})).status == 200
        assert (await c.patch("/notes/9", {"kid": 8})).status == 422
        assert (await c.patch("/notes/9", {"kid": None, "kids": []})).status == 200


async def test_what_refers_to_a_record_is_shown_to_those_who_may_read_it() -> None:
    for policy, shown in ((OPEN, [7]), (BOSS, None)):
        async with Client((await world(policy, is_filled=True)).asgi(authenticate=who)) as c:
            for answer in (await c.get("/shelves/1"), await c.patch("/shelves/1", {"text": "x"})):
                assert answer.json().get("volumes") == shown
            assert (await c.get("/shelves")).json()["data"][0].get("volumes") == shown
            tag = (await c.get("/shelves/1")).headers["etag"]
            assert (await c.patch("/shelves/1", {"text": "y"}, **{"if-match": tag})).status == 200


async def test_computed_values_see_what_the_user_may_read() -> None:
    for policy, seen in ((OPEN, [7]), (BOSS, None)):
        async with served(await world(policy, is_filled=True)) as c:
            assert (await c.get("/shelves/1")).json()["seen"] == seen
            assert (await c.get("/shelves")).json()["data"][0]["seen"] == seen
            assert (await c.get("/notes/1")).json()["volumes"] == seen
            answer = await c.get("/own/shelves/1")
            assert answer.status == 200, answer.body
            (own,) = answer.json()
            assert (own["seen"], own.get("volumes"), "7" in own["said"]) == (seen, seen, policy is OPEN)
