"""Actions that requests start as jobs: 202, a report for who started it, cancelled, resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from holdall import User
from holdall.app.long_actions import work_on_action
from holdall.session import cancelling
from holdall.testing.client import Answer
from holdall.web.jobs import ActionJobs
from tests.support.long_actions import ANN, CALLS, EVE, GATES, Track, filled, tracks
from tests.support.served import Served

_USERS = {b"ann": ANN, b"eve": EVE, b"tom": User("tom")}


async def who(scope: Any) -> User | None:
    return _USERS.get(dict(scope["headers"]).get(b"x-user", b""))


def service(path: Path, **options: Any) -> Served:
    app = tracks(f"sqlite:///{path}/t.db")
    return Served(app, {"x-user": "ann"}, authenticate=who, **options)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(work_on_action, "_BEAT", 0.02)
    with service(tmp_path, idempotency=True) as found:
        found.run(filled(found.app, 20))
        yield found


def act(served: Served, path: str, body: object = None, **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    found: Answer = served.run(served._client.post(path, {} if body is None else body, **given))
    return found


def over(served: Served, place: str) -> dict[str, Any]:
    """The report of a job that is over."""

    async def wait() -> Any:
        async with asyncio.timeout(20):
            while (answer := await served._client.get(place)).json()["state"] == "running":
                assert answer.headers["retry-after"] == "1"
                await asyncio.sleep(0.02)
        assert "retry-after" not in answer.headers
        return answer.json()

    found: dict[str, Any] = served.run(wait())
    return found


def plays(served: Served) -> list[int]:
    async def read() -> list[int]:
        async with served.app.session() as session:
            return [track.plays for track in await session.query(Track.where().sort(Track.id))]

    found: list[int] = served.run(read())
    return found


def test_an_action_is_accepted_and_reported_on(served: Served) -> None:
    begun = act(served, "/tracks/actions/count?id__lte=3", {"by": 2})
    assert begun.status == 202
    told, place = begun.json(), begun.headers["location"]
    assert (told["action"], told["state"], told["parts"], place) == (
        "tracks/count",
        "running",
        1,
        f"/_jobs/{told['id']}",
    )
    report = over(served, place)
    assert (report["state"], report["parts_done"], report["seen"], report["failed"]) == ("done", 1, 3, 0)
    assert report["result"] == [{"key": str(key), "result": 2} for key in (1, 2, 3)]
    assert plays(served)[:4] == [2, 2, 2, 0]
    assert over(served, act(served, "/tracks/7/actions/mark").headers["location"])["result"] == 100
    report = over(served, act(served, "/tracks/actions/renew", {"number": 77}).headers["location"])
    assert report["result"] == {"collection": "tracks", "key": "77"}
    report = over(served, act(served, "/tracks/actions/count?id__in=12,13").headers["location"])
    assert (report["state"], report["failed"], [each["key"] for each in report["failures"]]) == ("done", 1, ["13"])
    assert "secret" not in str(report)


def test_only_who_started_it_sees_it(served: Served) -> None:
    place = act(served, "/tracks/7/actions/mark").headers["location"]
    over(served, place)
    for user in ("eve", "tom", "nobody"):
        for method in ("GET", "DELETE"):
            answer = served.request(method, place, headers={"x-user": user})
            assert (answer.status, answer.json()["type"]) == (404, "urn:holdall:not-found")
    assert served.get("/_jobs/act-0").status == 404
    assert served.get("/_jobs/move-0").status == 404
    answer = served.get(f"{place}?wait=3")
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "unknown")
    assert served.get("/holdall_action_jobs").status == 404


def test_what_may_not_be_done_is_refused_before(served: Served) -> None:
    assert act(served, "/tracks/7/actions/mark", x_user="tom").status == 403
    assert act(served, "/tracks/7/actions/mark", x_user="nobody").status == 401
    assert act(served, "/tracks/99/actions/mark").status == 404
    assert act(served, "/tracks/actions/count?id__lte=3", {"by": 0}).status == 422
    assert act(served, "/tracks/actions/count?id__lte=9&max-affected=3").status == 422
    assert act(served, "/tracks/7/actions/mark", if_match='"other"').status == 412
    assert served.run(served.app.jobs.latest()) == []


def test_the_preference(served: Served) -> None:
    begun = act(served, "/tracks/actions/plain?id__lte=3", prefer="respond-async")
    assert (begun.status, begun.headers["preference-applied"]) == (202, "respond-async")
    assert over(served, begun.headers["location"])["result"][0] == {"key": "1", "result": 1}
    begun = act(served, "/tracks/1/actions/plain", prefer="handling=strict, respond-async, wait=10")
    assert begun.status == 400
    begun = act(served, "/tracks/1/actions/plain", prefer="handling=strict, respond-async")
    assert (begun.status, begun.headers["preference-applied"]) == (202, "respond-async, handling=strict")
    over(served, begun.headers["location"])
    told = act(served, "/tracks/1/actions/plain", prefer="respond-async, tx=rollback")
    assert (told.status, told.headers["content-type"]) == (200, "application/vnd.holdall.plan+json")
    plain = act(served, "/tracks/2/actions/plain")
    assert (plain.status, plain.json()) == (200, {"result": 2})
    assert plays(served)[:4] == [2, 2, 1, 0]


def test_a_repeated_request_starts_one_job(served: Served) -> None:
    places = set()
    for _ in range(2):
        answer = act(served, "/tracks/actions/count?id__lte=2", idempotency_key='"one"')
        assert answer.status == 202
        places.add(answer.headers["location"])
        over(served, answer.headers["location"])
    assert (len(places), plays(served)[:3]) == (1, [1, 1, 0])


def test_a_job_is_cancelled(served: Served) -> None:
    GATES["hold"] = asyncio.Event()
    place = act(served, "/tracks/1/actions/hold").headers["location"]
    served.run(asyncio.wait_for(GATES["begun"].wait(), 10))
    assert served.get(place).json()["state"] == "running"
    assert served.delete(place).json()["state"] == "cancelled"
    assert (served.get(place).json()["state"], plays(served)[0]) == ("cancelled", 0)
    assert served.delete(place).json()["state"] == "cancelled"
    assert over(served, act(served, "/tracks/2/actions/mark").headers["location"])["state"] == "done"


def test_a_service_that_starts_takes_up_what_was_left(tmp_path: Path) -> None:
    with service(tmp_path) as first:
        first.run(filled(first.app, 3))
        GATES["hold"] = asyncio.Event()
        place = act(first, "/tracks/1/actions/hold").headers["location"]
        first.run(asyncio.wait_for(GATES["begun"].wait(), 10))
    CALLS.clear()
    with service(tmp_path) as second:
        GATES["hold"] = asyncio.Event()
        GATES["hold"].set()
        GATES["begun"] = asyncio.Event()
        assert (over(second, place)["result"], plays(second)) == ("held", [1, 0, 0])


def test_without_a_store_for_notes_the_preference_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdall.app.jobs.notes.can_keep_rows", lambda store: False)
    with Served(tracks(), {"x-user": "ann"}, authenticate=who) as served:
        served.run(filled(served.app, 3))
        plain = act(served, "/tracks/1/actions/plain", prefer="respond-async")
        assert (plain.status, plain.json(), "preference-applied" in plain.headers) == (200, {"result": 1}, False)
        assert act(served, "/tracks/1/actions/plain", prefer="respond-async, handling=strict").status == 400
        assert act(served, "/tracks/1/actions/mark").json() == {"result": 100}
        assert served.get("/_jobs/act-0").status == 404


def test_the_document_tells_of_it(served: Served) -> None:
    paths = served.get("/openapi.json").json()["paths"]
    assert set(paths["/_jobs/{job}"]) >= {"get", "delete"}
    long, short = paths["/tracks/actions/count"]["post"], paths["/tracks/actions/plain"]["post"]
    assert "200" in short["responses"]
    for operation in (long, short):
        assert operation["responses"]["202"]["headers"]["Location"]


@pytest.mark.anyio
async def test_a_job_that_heeds_no_cancellation_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cancelling, "_ROUND", 0.01)
    may_end = asyncio.Event()

    async def stubborn() -> None:
        while not may_end.is_set():
            with suppress(asyncio.CancelledError):
                await may_end.wait()

    jobs = ActionJobs(tracks("memory:"))
    jobs._tasks["main.7"] = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await jobs.stop()
    assert "job main.7 goes on although it was cancelled" in caplog.text
    may_end.set()
