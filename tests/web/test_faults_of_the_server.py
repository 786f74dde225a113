"""Faults that are not the request's: a status from 500 on, and their cause in the log alone."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from holdall import SYSTEM, Everyone, Holdall, Model, Policy, Session, field
from holdall.errors import LockConflict, StoreUnavailable
from holdall.testing.client import Client
from holdall.web import add_problem_handlers

pytestmark = pytest.mark.anyio


class Word(Model, collection="words"):
    id: int = field(pk=True)


def _app(url: str) -> Holdall:
    app = Holdall("words")
    app.add_store("main", url)
    app.add(Word, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


async def test_a_file_that_another_library_has_open_is_no_conflict_of_the_client(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "words.db"
    async with Client(_app(f"sqlite:///{path}").asgi(create=True)) as client:
        with closing(sqlite3.connect(path)):
            answer = await client.post("/words", {"id": 1})
        assert (answer.status, answer.json()["type"]) == (500, "urn:holdall:failure")
        assert b"SQLite" not in answer.body
        assert "driver=stdlib" in caplog.text
        assert answer.json()["instance"] in caplog.text


@pytest.mark.parametrize("is_service", [True, False])
async def test_the_cause_of_a_failed_route_is_in_the_log(is_service: bool, caplog: pytest.LogCaptureFixture) -> None:
    app = _app("memory:")
    api: Any = app.asgi() if is_service else FastAPI()
    if not is_service:
        add_problem_handlers(api)

    given = app.session_dependency(SYSTEM)

    async def words(session: Session = given) -> int:
        raise StoreUnavailable("main", "the disk is gone")

    api.add_api_route("/number", words)
    with caplog.at_level(logging.WARNING, "holdall.web"):
        async with Client(api) as client:
            answer = await client.get("/number")
    assert (answer.status, answer.json()["type"]) == (503, "urn:holdall:unavailable")
    assert b"disk" not in answer.body
    assert "GET /number: store 'main': the disk is gone" in caplog.text


async def test_who_only_reads_is_in_conflict_with_nobody(caplog: pytest.LogCaptureFixture) -> None:
    app = _app("memory:")

    async def fetch(query: object) -> Any:
        raise LockConflict("main", "two transactions waited for each other")

    app.stores["main"].fetch = fetch  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING, "holdall.web"):
        async with Client(app.asgi()) as client:
            answers = [await client.get("/words"), await client.get("/words/1")]
    assert [answer.status for answer in answers] == [503, 503]
    assert caplog.text.count("waited for each other") == 2
