"""The cells of the authorisation matrix that are about jobs: what is done later, and who is told what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from tests.support.authorisation_matrix import Asking, Cell, leaks
from tests.support.office import DOCS, Doc, Recite, sees

__all__ = ["JOB_DOORS", "jobs", "over"]

_LATER = {"prefer": "respond-async"}
_ENDS = ("state", "seen", "failed", "failures", "result", "reason")

JOB_DOORS: dict[str, tuple[str, str, Any]] = {
    "peek later": ("POST", "docs/{key}/actions/peek", {}),
    "peek of a filter later": ("POST", "docs/actions/peek?id={key}", {}),
    "tell later": ("POST", "docs/actions/tell?id={key}", {}),
    "recite later": ("POST", "docs/{key}/actions/recite", {}),
    "close later": ("POST", "docs/{key}/actions/close", {}),
    "change later": ("PATCH", "docs?id={key}", {"pages": 0}),
    "change of several later": ("PATCH", "docs", [{"key": "{key}", "patch": {"pages": 0}}]),
    "removal later": ("DELETE", "docs?id={key}", None),
}
"""Ways to have something done with a record later: method, path and body."""

_WRITING = ("change later", "change of several later", "removal later", "close later")


async def over(client: Any, accepted: Any, user: str) -> dict[str, Any]:
    """The report on a job once it is over, as it is told to the user."""
    for _ in range(2_000):
        told = await client.request("GET", accepted.headers["location"], headers={"x-user": user})
        report: dict[str, Any] = json.loads(told.body)
        if report["state"] != "running":
            return report
        await asyncio.sleep(0.005)
    raise AssertionError("the job does not end")


async def _told(asking: Asking, door: str, key: int) -> tuple[Any, bytes]:
    """What a user is told of a record that is asked for later, without its key, and all of it."""
    method, path, body = JOB_DOORS[door]
    sent = b"" if body is None else json.dumps(body).replace("{key}", str(key)).encode()
    headers = {"x-user": asking.user, "content-type": "application/json", **_LATER}
    answer = await asking.client.request(method, "/" + path.format(key=key), body=sent, headers=headers)
    if answer.status != 202:
        return (answer.status, answer.body.replace(f'"{key}"'.encode(), b'"KEY"')), answer.body
    report = await over(asking.client, answer, asking.user)
    whole = json.dumps(report).encode()
    return json.dumps({name: report[name] for name in _ENDS}).replace(f'"{key}"', '"KEY"'), whole


async def jobs(asking: Asking) -> AsyncIterator[Cell]:
    """Every cell of one user."""
    async for cell in _later(asking):
        yield cell
    async for cell in _of_others(asking):
        yield cell


async def _later(asking: Asking) -> AsyncIterator[Cell]:
    user = asking.user
    for door in JOB_DOORS:
        if door == "removal later" and user == "boss":
            continue  # who may, does
        absent, _ = await _told(asking, door, 777)
        for doc in DOCS:
            told, whole = await _told(asking, door, doc["id"])
            is_seen, is_told = sees(user, doc), told != absent
            is_denied = is_seen and not is_told and door not in _WRITING
            yield Cell(user, f"record {doc['id']}", door, (is_told and not is_seen) or leaks(user, whole), is_denied)


async def _of_others(asking: Asking) -> AsyncIterator[Cell]:
    """Jobs of the boss, who is told everything, and of the program itself."""
    user, client = asking.user, asking.client
    made = {}
    for kind, (method, path, sent) in {
        "action": ("POST", "/docs/4/actions/recite", {}),
        "request": ("PATCH", "/docs", [{"key": 4, "patch": {"pages": 0}}]),
    }.items():
        headers = {"x-user": "boss", **_LATER}
        accepted = await client.request(method, path, json=sent, headers=headers)
        report = await over(client, accepted, "boss")
        assert report["state"] == "done", report
        made[kind] = report["id"]
    async with asking.app.session() as session:
        made["program"] = await asking.app.start_action(session, Recite(), await session.require(Doc, 4))
    for method in ("GET", "HEAD", "DELETE"):
        absent = await asking.send(method, f"_jobs/act-{'0' * 32}")
        for kind, job in made.items():
            answer = await asking.send(method, f"_jobs/{job}")
            may = user == "boss" and kind != "program"
            is_same = (answer.status, answer.body) == (absent.status, absent.body)
            leak = not may and (not is_same or leaks(user, answer.body))
            yield Cell(user, f"job {kind}", f"{method} of job", leak, may and answer.status != 200)
    report_of_all = await asking.app.jobs.show(made["program"])
    yield Cell(user, "job program", "cancel of job", report_of_all.state == "cancelled", False)
    await asking.app.jobs.cancel(made["program"])
