"""Metrics in the form of Prometheus: what is measured, and who is shown it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, Role, field
from holdall.errors import DeclarationError
from holdall.testing.client import Client
from tests.support.office import who
from tests.support.telemetry import kept_figures

pytestmark = pytest.mark.anyio


class Jar(Model, collection="jars"):
    id: int = field(pk=True)
    label: str = ""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Holdall]:
    kept_figures()
    app = Holdall("pantry")
    app.add_store("main", f"sqlite:///{tmp_path}/jars.db")
    app.add(Jar, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.observe(telemetry=True)
    await app.create()
    yield app
    await app.close()


def figures(text: str, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    found = 0.0
    for line in text.splitlines():
        head, _, value = line.rpartition(" ")
        if head.partition("{")[0] == name and all(f'{label}="{each}"' in head for label, each in labels.items()):
            found += float(value)
    return found


async def test_requests_reads_commits_and_statements_are_counted(app: Holdall) -> None:
    client = Client(app.asgi(authenticate=who, metrics=Role("boss")))
    boss = {"x-user": "boss"}
    before = (await client.request("GET", "/_metrics", headers=boss)).body.decode()
    assert (await client.post("/jars", {"id": 1, "label": "plum"})).status == 201
    for _ in range(3):
        assert (await client.get("/jars?label=plum")).status == 200
    assert (await client.get("/jars/9")).status == 404
    answer = await client.request("GET", "/_metrics", headers=boss)
    after = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    requests: dict[str, Any] = {"http_route": "/jars", "http_request_method": "GET"}
    for name, labels, number in (
        ("http_server_request_duration_seconds_count", requests, 3),
        ("http_server_request_duration_seconds_count", {"http_response_status_code": "404"}, 1),
        ("holdall_read_duration_seconds_count", {"db_collection_name": "jars", "db_operation_name": "query"}, 4),
        ("holdall_commit_duration_seconds_count", {}, 1),
    ):
        assert figures(after, name, **labels) - figures(before, name, **labels) == number, name
    assert figures(after, "db_client_operation_duration_seconds_count", holdall_store="main") > 0
    assert "plum" not in after
    open_metrics = boss | {"accept": "application/openmetrics-text; version=1.0.0"}
    told = await client.request("GET", "/_metrics", headers=open_metrics)
    assert told.headers["content-type"].startswith("application/openmetrics-text")


async def test_others_are_not_shown_them(app: Holdall) -> None:
    client = Client(app.asgi(authenticate=who, metrics=Role("boss")))
    told = [await client.request("GET", "/_metrics", headers={"x-user": user}) for user in ("nobody", "ann")]
    assert [answer.status for answer in told] == [401, 404]
    absent = await client.get("/_nothing", x_user="ann")
    assert told[1].body == absent.body
    assert (await Client(app.asgi()).get("/_metrics")).status == 404
    assert (await Client(app.asgi(metrics=Everyone)).get("/_metrics")).status == 200


async def test_what_is_missing_is_named(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeclarationError, match="metrics is a rule about users"):
        app.asgi(metrics=Jar.label == "x")
    monkeypatch.delitem(sys.modules, "holdall.web.operations.metrics", raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(DeclarationError, match=r"holdall\[prometheus\]"):
        app.asgi(metrics=Everyone)
    app.observe()
    with pytest.raises(DeclarationError, match="telemetry=True"):
        app.asgi(metrics=Everyone)
