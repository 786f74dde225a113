"""Reads that go without a session answer as those with one, and are left to it as soon as anything stands around."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from holdall import ANONYMOUS, Everyone, FieldRights, Holdall, Model, Nobody, Policy, Role, field
from holdall.errors import StoreUnavailable
from holdall.query import AnyQuery
from holdall.store import Rows, open_store, ready_part
from holdall.stores.sql.sqlite_store import SqliteStore
from holdall.testing.wrapping import wrap_store
from tests.support.served import Served


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)
    room: str
    since: datetime | None = None
    hidden: bool = False


ROOMS = ("north", "south", "east")
OPEN = Policy(read=Everyone, write=Everyone)
PAGE = "/shelves?page=1&page_size=2&sort=room"


def serve(path: Path, policy: Policy = OPEN, **options: Any) -> Served:
    app = Holdall("shelves")
    app.add_store("main", f"sqlite:///{path / 'shelves.db'}")
    app.add(Shelf, store="main", policy=policy)
    return Served(app, **options)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path) as service:
        for number, room in enumerate(ROOMS, 1):
            service.post("/shelves", {"id": number, "room": room, "since": "2024-05-06T07:08:09Z"})
        yield service


def is_straight(served: Served, path: str = "/shelves/1") -> bool:
    """Whether the collection answers this read without a session."""
    place, _, query = path.partition("?")
    scope = {"type": "http", "method": "GET", "path": place, "query_string": query.encode(), "headers": []}
    resource, key = served.service._find(scope)
    return resource._straight.now(scope, ANONYMOUS, key) is not None


def both_ways(served: Served, path: str, **headers: str) -> tuple[Any, Any]:
    """The answer as it is, and with a context around every request, for which a session is needed."""

    async def nothing(context: Any) -> Any:
        yield

    straight = served.get(path, **headers)
    served.app.registry.add_middleware(nothing, None)
    try:
        return straight, served.get(path, **headers)
    finally:
        served.app.registry.middleware.clear()


@pytest.mark.parametrize(
    "path",
    [
        "/shelves/1",
        "/shelves/%31",
        "/shelves/1/",
        "/shelves/9",
        "/shelves/x",
        "/shelves/1?fields=room",
        "/shelves/1?nothing=1",
        "/shelves",
        PAGE,
        "/shelves?page=2&page_size=2",
        "/shelves?page=9",
        "/shelves?room=south&count=none",
        "/shelves?room__in=south,east&sort=-room",
        "/shelves?after=&page_size=2",
        "/shelves?fields=room",
        "/shelves?nothing=1",
        "/shelves?page_size=0",
        "/shelves?format=csv",
    ],
)
def test_both_ways_give_the_same(served: Served, path: str) -> None:
    served.get(path)
    straight, other = both_ways(served, path)
    assert (straight.status, straight.body) == (other.status, other.body)
    told = ("etag", "content-type", "cache-control", "x-content-type-options", "content-length")
    assert [straight.headers.get(name) for name in told] == [other.headers.get(name) for name in told]


def test_plain_reads_are_straight_and_tell_what_is_stored_now(served: Served) -> None:
    assert is_straight(served)
    assert is_straight(served, PAGE)
    assert [row["room"] for row in served.get(PAGE).json()["data"]] == ["east", "north"]
    served.patch("/shelves/1", {"room": "attic"})
    assert served.get("/shelves/1").json()["room"] == "attic"
    assert [row["room"] for row in served.get(PAGE).json()["data"]] == ["attic", "east"]
    served.delete("/shelves/3")
    assert served.get(PAGE).json()["total_count"] == 2
    assert served.get("/shelves/3").status == 404


def test_conditions_are_judged(served: Served) -> None:
    for path in ("/shelves/1", PAGE):
        tag = served.get(path).headers["etag"]
        assert served.get(path, **{"if-none-match": tag}).status == 304
        assert served.get(path, **{"if-match": '"other"'}).status == 412
        head = served.request("HEAD", path)
        assert (head.status, head.body, head.headers["etag"]) == (200, b"", tag)


def test_rights_are_asked_each_time(tmp_path: Path) -> None:
    with serve(tmp_path, Policy(read=lambda user: bool(allowed), write=Everyone)) as service:
        allowed = [True]
        service.post("/shelves", {"id": 1, "room": "north"})
        assert service.get("/shelves/1").status == 200
        assert is_straight(service)
        allowed.clear()
        assert service.get("/shelves/1").status == 404
        assert service.get("/shelves").status == 404


@pytest.mark.parametrize(
    "policy",
    [
        Policy(read=lambda user, shelf: shelf.room != "south", write=Everyone),
        Policy(read=Everyone, write=Everyone, fields={"room": FieldRights(read=Nobody)}),
        Policy(read=Role("keeper"), write=Everyone),
    ],
)
def test_functions_of_records_and_hidden_fields_are_for_a_session(tmp_path: Path, policy: Policy) -> None:
    with serve(tmp_path, policy) as service:
        service.get("/shelves/1")
        assert not is_straight(service)
        assert not is_straight(service, PAGE)


def test_what_listens_is_told(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.get("/shelves/1")
    caplog.set_level(logging.DEBUG, "holdall.sql")
    assert served.get("/shelves/1").status == 200
    assert served.get(PAGE).status == 200
    said = [record for record in caplog.records if record.name == "holdall.sql"]
    assert len(said) == 3  # one record, a page, and the number of all


def test_what_is_put_before_a_store_is_asked(served: Served) -> None:
    class Counting:
        def __init__(self, store: Any) -> None:
            self.store, self.asked = store, list[str]()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

        async def fetch(self, query: Any) -> Any:
            self.asked.append(query.collection)
            return await self.store.fetch(query)

    served.get("/shelves/1")
    counting = wrap_store(served.app, "main", Counting)
    assert served.get("/shelves/1").status == 200
    assert counting.asked == ["shelves"]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_stands_in_the_place_of_a_method_is_asked(
    served: Served, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    store: Any = served.app.stores["main"]

    async def refused(query: Any) -> Any:
        raise StoreUnavailable("main", "gone")

    if not is_first:
        assert served.get(PAGE).status == 200
    with monkeypatch.context() as patch:
        patch.setattr(store, "fetch", refused)
        assert [served.get(path).status for path in ("/shelves/1", PAGE)] == [503, 503]
    assert served.get(PAGE).status == 200
    assert is_straight(served, PAGE)


def test_a_store_with_methods_of_its_own_is_asked_by_these() -> None:
    class Slower(SqliteStore):
        async def fetch(self, query: AnyQuery) -> Rows:
            return await super().fetch(query)

    class Named(SqliteStore):
        def describe_itself(self) -> str:
            return self.name

    store: Any = open_store("main", "sqlite://")
    assert ready_part(store) is store
    store.__class__ = Named
    assert ready_part(store) is store
    store.__class__ = Slower
    assert ready_part(store) is None


def test_middleware_around_stores_is_asked(served: Served) -> None:
    asked: list[str] = []

    async def noting(call: Any, go_on: Any) -> Any:
        asked.append(call.verb)
        return await go_on(call)

    served.get("/shelves/1")
    served.app.add_persistence_middleware(noting)
    for _ in range(3):  # a query is made ready by the second of them at the latest
        assert served.get("/shelves/1").json()["room"] == "north"
        assert served.get(PAGE).json()["total_count"] == 3
    assert asked == ["fetch", "fetch", "count"] * 3


def test_another_store_is_asked_from_then_on(served: Served) -> None:
    assert served.get("/shelves/1").status == 200

    async def elsewhere() -> int:
        async with served.app.replaced("memory:"):
            return int((await served._client.get("/shelves/1")).status)

    assert served.run(elsewhere()) == 404
    assert served.get("/shelves/1").status == 200
    assert is_straight(served)


def test_records_that_cannot_be_read_are_told_as_always(served: Served, tmp_path: Path) -> None:
    served.get("/shelves/1")
    with sqlite3.connect(tmp_path / "shelves.db") as connection:
        connection.execute("UPDATE shelves SET since = 'never' WHERE id = 1")
    connection.close()
    straight, other = both_ways(served, "/shelves")
    assert straight.body == other.body
    assert straight.json()["broken"][0]["key"] == "1"
    assert served.get("/shelves/1").status == 500


def test_long_addresses_are_refused(tmp_path: Path) -> None:
    with serve(tmp_path, max_url=60) as service:
        service.post("/shelves", {"id": 1, "room": "north"})
        assert service.get("/shelves/1").status == 200
        assert service.get("/shelves?room=" + "x" * 60).status == 414
        assert service.get("/shelves/" + "1" * 60).status == 414
