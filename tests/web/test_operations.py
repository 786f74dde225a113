"""What surrounds every request: its id, its line in the log, limits, deadlines, health, CORS, compressed bodies."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, User, field
from holdall.errors import DeclarationError, StoreUnavailable
from holdall.store.deadlines import Watchdog
from holdall.stores.memory import MemoryStore
from holdall.testing.client import Answer, Client
from holdall.web.operations import current_request_id, limits
from holdall.web.operations.limits import Limits
from tests.support.served import Served


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = ""


def notes() -> Holdall:
    app = Holdall("notes")
    app.add_store("main", "memory:")
    app.add(Note, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


@pytest.fixture
def served() -> Iterator[Served]:
    with Served(notes()) as service:
        service.post("/notes", {"id": 1, "text": "one"})
        yield service


PLACES = ["/notes", "/notes/1", "/notes/9", "/nothing", "/openapi.json", "/_health/live", "/"]

# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_has_the_id_of_its_request(served: Served, place: str) -> None:
    made = [served.get(place).headers["x-request-id"] for _ in range(3)]
    assert len(set(made)) == 3
    assert served.get(place, x_request_id="abc-1").headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize("given", ["", "a b", "a\r\nb", "x" * 129, "ä", "-a", "<script>"])
def test_an_id_that_is_not_well_formed_is_not_taken(served: Served, given: str) -> None:
    found = served.get("/notes", x_request_id=given).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]+", found)


def test_own_routes_know_the_id() -> None:
    app = notes()
    with Served(app, request_id="X-Trace") as served:

        @served.service.get("/own")  # type: ignore[untyped-decorator, unused-ignore]
        async def own() -> dict[str, str | None]:
            return {"id": current_request_id()}

        answer = served.get("/own", x_trace="abc")
        assert (answer.json(), answer.headers["x-trace"]) == ({"id": "abc"}, "abc")


def test_ids_can_be_left_out() -> None:
    with Served(notes(), request_id=None) as served:
        assert "x-request-id" not in served.get("/notes").headers


# --- the log ----------------------------------------------------------------------------------------------------------


async def ann(scope: Any) -> User:
    return User("ann")


def test_a_line_for_each_request(caplog: pytest.LogCaptureFixture) -> None:
    with Served(notes(), authenticate=ann) as served, caplog.at_level(logging.INFO, "holdall.access"):
        served.post("/notes", {"id": 1, "text": "secret"})
        served.get("/notes/1?fields=text", x_request_id="abc")
        served.get("/nothing")
        served.get("/_health/live")
    lines: list[Any] = [record for record in caplog.records if record.name == "holdall.access"]
    assert [(line.method, line.path, line.status, line.route) for line in lines] == [
        ("POST", "/notes", 201, "/notes"),
        ("GET", "/notes/1", 200, "/notes/{key}"),
        ("GET", "/nothing", 404, None),
        ("GET", "/_health/live", 200, None),
    ]
    assert [(line.request_id, line.user, line.client, line.size) for line in lines][1] == (
        "abc",
        "ann",
        "127.0.0.1",
        17,
    )
    assert all(line.seconds >= 0 for line in lines)
    assert "secret" not in caplog.text
    assert "fields" not in caplog.text


def test_nothing_is_logged_where_nobody_listens(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "holdall.access"):
        served.get("/notes")
    assert not [record for record in caplog.records if record.name == "holdall.access"]


def test_server_timing_is_told_where_it_is_asked_for(served: Served) -> None:
    assert "server-timing" not in served.get("/notes").headers
    with Served(notes(), server_timing=True) as timed:
        for place in PLACES:
            assert re.fullmatch(r"app;dur=\d+\.\d\d", timed.get(place).headers["server-timing"])


# --- limits -----------------------------------------------------------------------------------------------------------


def test_how_many_are_answered_at_once_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = MemoryStore.fetch

    async def slow(self: MemoryStore, query: Any) -> Any:
        await asyncio.sleep(0.05)
        return await fetch(self, query)

    async def several() -> list[Answer]:
        return await asyncio.gather(*(service._client.get("/notes") for _ in range(5)))

    monkeypatch.setattr(MemoryStore, "fetch", slow)
    with Served(notes(), max_requests=2) as service:
        answers: list[Answer] = service.run(several())
        assert sorted(answer.status for answer in answers) == [200, 200, 503, 503, 503]
        refused = next(answer for answer in answers if answer.status == 503)
        assert refused.json()["type"] == "urn:holdall:overloaded"
        assert refused.headers["retry-after"] == "1"
        assert "x-request-id" in refused.headers
        assert service.get("/notes").status == 200


def test_how_many_one_client_sends_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(limits, "monotonic", lambda: now[0])
    with Served(notes(), rate=2) as served:
        assert [served.get("/notes").status for _ in range(4)] == [200, 200, 429, 429]
        assert served.get("/_health/live").status == 200
        now[0] = 0.5
        assert [served.get("/notes").status for _ in range(2)] == [200, 429]
        now[0] = 100
        assert [served.get("/notes").status for _ in range(3)] == [200, 200, 429]


def test_clients_are_counted_apart_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CLIENTS", 2)
    found = Limits(most=10, rate=1)
    asked = [found.refusal({"client": (name, 1)}) for name in ("a", "a", "b", "c", "a")]
    assert [refused is None for refused in asked] == [True, False, True, True, True]
    assert len(found._buckets) == 2


def test_a_read_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    async def endless(self: MemoryStore, query: Any) -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(query.collection)

    with Served(notes(), request_seconds=0.1) as served:
        assert served.get("/notes").status == 200
        monkeypatch.setattr(MemoryStore, "fetch", endless)
        for place in ("/notes", "/notes/1", "/notes?format=csv"):
            answer = served.get(place)
            assert (answer.status, answer.json()["type"]) == (504, "urn:holdall:timeout")
    assert ended == ["notes"] * 3


def test_a_task_that_somebody_else_cancels_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(self: MemoryStore, query: Any) -> Any:
        await asyncio.sleep(60)

    async def cancelled() -> bool:
        task = asyncio.ensure_future(service._client.get("/notes"))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return bool(task.cancelled())

    monkeypatch.setattr(MemoryStore, "fetch", endless)
    with Served(notes()) as service:
        assert service.run(cancelled())


def test_a_planted_deadline_that_never_comes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watchdog, "_look", lambda *_: None)
    with Served(notes(), request_seconds=0.05) as served:
        served._client._seconds = 0.5

        async def endless(self: MemoryStore, query: Any) -> Any:
            await asyncio.sleep(60)

        monkeypatch.setattr(MemoryStore, "fetch", endless)
        with pytest.raises(TimeoutError):
            served.get("/notes")


@pytest.mark.parametrize(
    "options",
    [
        {"max_requests": 0}, {"max_requests": "1"}, {"rate": 0}, {"rate": "1"}, {"rate": float("inf")},
        {"request_seconds": 0}, {"request_id": "a b"}, {"request_id": 1}, {"request_id": ""}, {"server_timing": 1},
        {"health": "no"}, {"cors": "example.org"}, {"cors": ["https://x/y"]}, {"cors": [1]},
    ],
)  # fmt: skip
def test_options_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(options))):
        notes().asgi(**options)


# --- health -----------------------------------------------------------------------------------------------------------


def test_health(served: Served) -> None:
    assert served.get("/_health/live").json() == {"status": "live"}
    ready = served.get("/_health/ready")
    assert (ready.status, ready.headers["cache-control"]) == (200, "no-store")
    assert ready.json()["status"] == "ready"
    assert served.request("HEAD", "/_health/ready").body == b""
    assert served.request("OPTIONS", "/_health/ready").headers["allow"] == "GET, HEAD, OPTIONS"
    assert served.post("/_health/ready", {}).status == 405
    assert served.get("/_health/other").status == 404


class Down(MemoryStore):
    async def ping(self) -> None:
        raise StoreUnavailable("main", "the password is hunter2")


def test_a_store_that_is_down_makes_the_service_not_ready() -> None:
    app = Holdall("notes")
    app.add_store("main", Down("main"))
    app.add(Note, store="main", policy=Policy(read=Everyone))
    with Served(app) as served:
        answer = served.get("/_health/ready")
        assert answer.status == 503
        assert answer.json() == {"status": "not ready", "stores": {"main": "down"}}
        assert served.get("/_health/live").status == 200
        assert served.get("/notes").status == 200


def test_health_needs_no_user_and_can_be_left_out() -> None:
    async def nobody(scope: Any) -> User:
        raise RuntimeError("no authority")

    with Served(notes(), authenticate=nobody) as served:
        assert served.get("/_health/ready").status == 200
    with Served(notes(), health=False) as served:
        assert served.get("/_health/live").status == 404


def test_a_service_that_starts_or_stops_is_not_ready() -> None:
    async def before() -> Answer:
        return await Client(service).get("/_health/ready")

    async def during() -> list[dict[str, str]]:
        answers = []
        async with service.router.lifespan_context(service):
            answers.append((await Client(service).get("/_health/ready")).json())
        answers.append((await Client(service).get("/_health/ready")).json())
        return answers

    service = notes().asgi()
    assert asyncio.run(before()).status == 200  # below another application nobody may tell it
    first, last = asyncio.run(during())
    assert first["status"] == "ready"
    assert last == {"status": "stopping"}


# --- CORS -------------------------------------------------------------------------------------------------------------


def test_scripts_of_other_origins_may_ask_where_they_are_named() -> None:
    with Served(notes(), cors=["https://app.example"]) as served:
        asked = {"origin": "https://app.example", "access-control-request-method": "PATCH",
                 "access-control-request-headers": "authorization,if-match"}  # fmt: skip
        for place in ("/notes", "/notes/1", "/openapi.json"):
            told = served.request("OPTIONS", place, headers=asked)
            assert told.status == 200
            assert told.headers["access-control-allow-origin"] == "https://app.example"
            assert "PATCH" in told.headers["access-control-allow-methods"]
        for place in PLACES:
            answer = served.get(place, origin="https://app.example")
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
            exposed = answer.headers["access-control-expose-headers"].lower()
            assert {"etag", "location", "x-request-id"} <= set(exposed.split(", "))
        assert "access-control-allow-origin" not in served.get("/notes", origin="https://evil.example").headers
        assert served.request("OPTIONS", "/notes", headers=asked | {"origin": "https://evil.example"}).status == 400


def test_without_the_option_nobody_else_may() -> None:
    with Served(notes()) as served:
        assert "access-control-allow-origin" not in served.get("/notes", origin="https://app.example").headers


# --- compressed bodies ------------------------------------------------------------------------------------------------

_FOUR = gzip.compress(b'{"id": 4}', mtime=0)


def sent(served: Served, body: bytes, encoding: str = "gzip") -> Answer:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    return served.request("POST", "/notes", body=body, headers=headers)


def test_gzip_is_taken(served: Served) -> None:
    assert sent(served, gzip.compress(b'{"id": 2, "text": "two"}')).status == 201
    assert sent(served, gzip.compress(b'{"id": 3}'), "X-GZIP").status == 201
    assert served.get("/notes/2").json()["text"] == "two"


@pytest.mark.parametrize(
    "body, encoding, status",
    [
        (b'{"id": 4}', "gzip", 400),
        (_FOUR[:-4], "gzip", 400),
        (_FOUR + b"x", "gzip", 400),
        (b"", "gzip", 400),
        (gzip.compress(b" " * 2_000_000, mtime=0), "gzip", 413),
        (_FOUR, "gzip, gzip", 415),
        (b'{"id": 4}', "br", 415),
    ],
)
def test_what_is_not_gzip_or_too_much_is_refused(served: Served, body: bytes, encoding: str, status: int) -> None:
    answer = sent(served, body, encoding)
    assert answer.status == status, answer.body
    assert served.get("/notes/4").status == 404
    if status == 415:
        assert answer.headers["accept-encoding"] == "gzip, identity"
