"""Bulk writes and imports with ``Prefer: respond-async``: accepted, done once, told in a report."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Everyone, Holdall, Model, Policy, Role, User, field
from holdall.app.long_actions import work_on_request
from holdall.app.long_actions.work_on_request import NotingSession
from holdall.session import Session
from holdall.testing.client import Answer
from tests.support.served import Served
from tests.web.test_action_jobs import over

_USERS = {b"eve": User("eve", frozenset({"editor"})), b"tom": User("tom")}
_ASYNC = {"prefer": "respond-async"}


class Song(Model, collection="songs"):
    id: int = field(pk=True)
    title: str = field(length=(1, 20))
    plays: int = 0


async def who(scope: Any) -> User | None:
    return _USERS.get(dict(scope["headers"]).get(b"x-user", b""))


def service(path: Path) -> Served:
    app = Holdall("songs")
    app.add_store("main", f"sqlite:///{path}/songs.db")
    app.add(Song, store="main", policy=Policy(read=Everyone, write=Role("editor")))
    return Served(app, {"x-user": "eve"}, authenticate=who, idempotency=True)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with service(tmp_path) as found:
        found.post("/songs", [{"id": number, "title": f"s{number}"} for number in range(1, 6)])
        yield found


def ask(served: Served, method: str, path: str, json: object = None, **options: Any) -> Answer:
    headers = {"content-type": "application/json"} | options.pop("headers", {})
    body = options.pop("body", msgspec.json.encode(json) if json is not None else b"")
    return served.request(method, path, body=body, headers=headers, **options)


def sent(served: Served, method: str, path: str, json: object = None, **options: Any) -> dict[str, Any]:
    """The report of a request that was accepted, once it is over."""
    headers = _ASYNC | options.pop("headers", {})
    accepted = ask(served, method, path, json, headers=headers, **options)
    assert accepted.status == 202, accepted.body
    assert accepted.headers["preference-applied"].split(", ").count("respond-async") == 1
    assert accepted.json()["state"] == "running"
    return over(served, accepted.headers["location"])


def plays(served: Served) -> dict[str, int]:
    return {each["title"]: each["plays"] for each in served.get("/songs?sort=id").json()["data"]}


def test_lists_filters_and_removals(served: Served) -> None:
    made = sent(served, "POST", "/songs", [{"id": 7, "title": "new"}])
    assert (made["action"], made["state"], made["parts_done"], made["result"]["status"]) == (
        "POST /songs",
        "done",
        1,
        200,
    )
    assert made["result"]["body"]["items"][0]["key"] == "7"
    changed = sent(
        served, "PATCH", "/songs", [{"key": "1", "patch": {"plays": 9}}, {"key": "2", "patch": {"plays": 8}}]
    )
    assert changed["result"]["status"] == 200
    changed = sent(served, "PATCH", "/songs?id__gte=4", {"plays": 3})
    assert changed["result"] == {"status": 200, "body": {"affected": 3}}
    assert plays(served) == {"s1": 9, "s2": 8, "s3": 0, "s4": 3, "s5": 3, "new": 3}
    assert sent(served, "DELETE", "/songs?plays=3", headers={"prefer": "respond-async, return=minimal"})["result"] == {
        "status": 204,
        "body": None,
    }
    assert sent(served, "DELETE", "/songs", ["1"])["state"] == "done"
    assert plays(served) == {"s2": 8, "s3": 0}
    assert served.get("/_jobs/act-0").status == 404


def test_imports_and_items(served: Served) -> None:
    body = b"id,title\n8,eight\n9,\n10,ten\n"
    report = sent(served, "POST", "/songs", body=body, headers={"content-type": "text/csv"})
    assert (report["state"], report["result"]["status"]) == ("done", 207)
    assert (report["result"]["body"]["created"], report["result"]["body"]["failed"]) == (2, 1)
    items = sent(
        served,
        "POST",
        "/songs",
        [{"id": 11, "title": "a"}, {"id": 1, "title": "b"}],
        headers={"prefer": "tx=item, respond-async"},
    )
    assert [each["status"] for each in items["result"]["body"]["items"]] == [201, 409]
    assert {"eight", "ten", "a"} <= plays(served).keys()


def test_an_answer_that_no_note_has_room_for_is_not_kept(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_on_request, "MOST_BYTES", 20)
    report = sent(served, "PATCH", "/songs", [{"key": "1", "patch": {"plays": 9}}])
    assert (report["state"], report["result"]) == ("done", {"status": 200, "body": None})
    assert report["reason"] == "the answer has more than 20 bytes, and is not kept"
    assert plays(served)["s1"] == 9
    refused = sent(served, "PATCH", "/songs", [{"key": "1", "patch": {"plays": "many"}}])
    assert (refused["state"], refused["result"]["body"]) == ("failed", None)
    assert refused["reason"].startswith("Nothing was written")


def test_compressed_bodies(served: Served) -> None:
    packed = gzip.compress(b'[{"id": 50, "title": "many"}]')
    assert sent(served, "POST", "/songs", body=packed, headers={"content-encoding": "gzip"})["state"] == "done"
    packed = gzip.compress(b'{"id": 51, "title": "one"}')
    assert ask(served, "POST", "/songs", body=packed, headers=_ASYNC | {"content-encoding": "gzip"}).status == 201


def test_what_is_refused_later_is_told_in_the_report(served: Served) -> None:
    report = sent(served, "POST", "/songs", [{"id": 20, "title": "x" * 30}, {"id": 1, "title": "b"}])
    assert (report["state"], report["result"]["status"]) == ("failed", 422)
    assert report["reason"] == report["result"]["body"]["detail"]
    assert len(plays(served)) == 5


def test_what_is_refused_at_once(served: Served) -> None:
    for user, status in (("tom", 403), ("nobody", 401)):
        headers = _ASYNC | {"x-user": user}
        assert ask(served, "PATCH", "/songs?id=1", {"plays": 1}, headers=headers).status == status
    strict = {"prefer": "respond-async, handling=strict, wait=3"}
    assert ask(served, "PATCH", "/songs?id=1", {"plays": 1}, headers=strict).status == 400
    large = ask(served, "POST", "/songs", body=b"[" + b" " * 1_100_000 + b"]", headers=_ASYNC)
    assert large.status == 413
    broken = ask(served, "POST", "/songs", body=b"[\xff]", headers=_ASYNC)
    assert broken.status == 400
    assert served.run(served.app.jobs.latest()) == []


def test_other_requests_are_answered_at_once(served: Served) -> None:
    one = ask(served, "POST", "/songs", {"id": 30, "title": "one"}, headers=_ASYNC)
    assert (one.status, "preference-applied" in one.headers) == (201, False)
    strict = {"prefer": "respond-async, handling=strict"}
    refused = ask(served, "POST", "/songs", {"id": 31, "title": "one"}, headers=strict)
    assert [each["path"] for each in refused.json()["errors"]] == ["Prefer.respond-async"]
    assert ask(served, "POST", "/songs", body=b"x" * 10, headers=_ASYNC | {"content-type": "text/x"}).status == 415
    assert ask(served, "PATCH", "/songs/30", {"plays": 1}, headers=_ASYNC).status == 200
    plan = ask(served, "PATCH", "/songs?id=1", {"plays": 1}, headers={"prefer": "respond-async, tx=rollback"})
    assert plan.headers["content-type"] == "application/vnd.holdall.plan+json"
    assert plays(served)["s1"] == 0


def test_a_repeated_request_is_one_job(served: Served) -> None:
    headers = _ASYNC | {"idempotency-key": '"k"'}
    first, second = (ask(served, "PATCH", "/songs?id=1", {"plays": 4}, headers=headers) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert over(served, first.headers["location"])["state"] == "done"


def test_without_a_store_for_notes_it_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path) as served:
        monkeypatch.setattr("holdall.app.jobs.notes.can_keep_rows", lambda store: False)
        assert ask(served, "POST", "/songs", [{"id": 1, "title": "a"}], headers=_ASYNC).status == 200
        strict = {"prefer": "respond-async, handling=strict"}
        assert ask(served, "POST", "/songs", [{"id": 2, "title": "a"}], headers=strict).status == 400


def test_the_document_tells_of_it(served: Served) -> None:
    path = served.get("/openapi.json").json()["paths"]["/songs"]
    for method in ("post", "patch", "delete"):
        assert path[method]["responses"]["202"]["headers"]["Location"], method
        (prefer,) = [each for each in path[method]["parameters"] if each.get("name") == "Prefer"]
        assert "respond-async" in prefer["description"], method


class Killed(BaseException):
    """The end of a process, as far as the code that is stopped can tell."""


@pytest.mark.parametrize("kind", ["list", "filter", "items"])
def test_one_commit_is_done_once_and_many_are_not_begun_again(
    kind: str, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions, commit = served.app.long_actions, Session.commit
    kill, in_one = [False], kind != "items"

    async def killing(self: Session, **options: Any) -> Any:
        found = await commit(self, **options)
        if kill[0] and self.user.id == "eve":
            raise Killed
        return found

    monkeypatch.setattr(NotingSession if in_one else Session, "commit", _noting() if in_one else killing)
    monkeypatch.setattr("holdall.web.jobs.action_jobs.ActionJobs.wake", lambda self: None)
    prefer = "respond-async" if in_one else "respond-async, tx=item"
    if kind == "filter":
        begun = ask(served, "PATCH", "/songs?id=5", {"title": "a"}, headers={"prefer": prefer})
    else:
        begun = ask(served, "POST", "/songs", [{"id": 40, "title": "a"}], headers={"prefer": prefer})
    job = begun.json()["id"]
    kill[0] = True
    with pytest.raises(Killed):
        served.run(actions.resume(job))
    kill[0] = False
    report = served.run(actions.resume(job))
    assert "a" in plays(served)
    if in_one:
        assert (report.state, report.result, report.parts_done) == ("done", None, 1)
    else:
        assert (report.state, report.reason) == (
            "failed",
            "it was interrupted, and is not repeated: look at what is stored",
        )


def _noting() -> Any:
    """The commit with its note, and the end of the process behind it."""
    noted = NotingSession.commit

    async def commit(self: Any, **options: Any) -> Any:
        await noted(self, **options)
        raise Killed

    return commit
