"""Blocks of sessions that end in another context than they began in: of generators, and of FastAPI's dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException

from holdall import Holdall, Model, field
from holdall.session import Session
from holdall.store import acting_for, acting_session

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True, generated=True)
    text: str = field(default="", unique=True)


@pytest.fixture
async def app() -> AsyncIterator[Holdall]:
    made = Holdall("notes")
    made.add_store("main", "memory:")
    made.add(Note, store="main")
    yield made
    await made.close()


async def status(api: FastAPI, path: str) -> int:
    sent: list[int] = []

    async def send(message: Any) -> None:
        sent.extend([message["status"]] if "status" in message else [])

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    await api({**scope, "headers": [], "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)
    return sent[0]


@pytest.mark.parametrize("auto_add", [False, True])
async def test_dependencies_of_a_framework_end_quietly(app: Holdall, auto_add: bool) -> None:
    api = FastAPI()

    def waiting() -> Iterator[Any]:
        with app.sync.session(auto_add=auto_add) as session:
            yield session

    async def awaiting() -> AsyncIterator[Any]:
        async with app.session(auto_add=auto_add) as session:
            yield session

    @api.get("/waiting")
    def add_waiting(session: Any = Depends(waiting)) -> int:  # noqa: B008
        session.add(Note(text="waiting"))
        return 1

    @api.get("/awaiting")
    async def add_awaiting(session: Any = Depends(awaiting)) -> int:  # noqa: B008
        session.add(Note(text="awaiting"))
        return 1

    @api.get("/refused")
    def refuse(session: Any = Depends(waiting)) -> int:  # noqa: B008
        session.add(Note(text="refused"))
        raise HTTPException(418)

    assert [await status(api, path) for path in ("/waiting", "/awaiting", "/refused")] == [200, 200, 418]
    async with app.session() as session:
        assert {note.text for note in await session.query(Note.where())} == {"waiting", "awaiting"}
    assert app.active_session is None
    await asyncio.to_thread(app.sync.close)


async def test_a_block_that_ended_elsewhere_is_over_where_it_began(app: Holdall) -> None:
    kept: list[Session] = []

    async def rows() -> AsyncIterator[int]:
        async with app.session(auto_add=True) as session:
            kept.append(session)
            yield 1

    async with app.session(auto_add=True) as outer:
        for _ in range(2):
            generator = rows()
            await anext(generator)
            assert app.active_session is kept[-1]
            await asyncio.create_task(generator.aclose())  # type: ignore[attr-defined]
            assert app.active_session is outer
        Note(text="made")
    assert app.active_session is None
    await Note(text="alone").save()
    async with app.session() as session:
        assert {note.text for note in await session.query(Note.where())} == {"made", "alone"}


async def test_what_ends_elsewhere_with_an_error_raises_that_error(app: Holdall) -> None:
    @asynccontextmanager
    async def writing() -> AsyncIterator[Session]:
        async with app.session(auto_add=True) as session:
            yield session

    async def begin() -> Any:
        block = writing()
        session = await block.__aenter__()
        session.add_all([Note(text="twice"), Note(text="twice")])
        return block

    block = await asyncio.create_task(begin())
    with pytest.raises(Exception, match="already has this text") as caught:
        await block.__aexit__(None, None, None)
    assert not isinstance(caught.value, ValueError)


async def test_hand_written_code_acts_for_its_session_whatever_was_closed_elsewhere() -> None:
    class Session:
        pass

    one, two = Session(), Session()

    async def acting(session: Session) -> AsyncIterator[None]:
        with acting_for(session):
            yield

    with acting_for(one):
        generator = acting(two)
        await anext(generator)
        assert acting_session() is two
        await asyncio.create_task(generator.aclose())  # type: ignore[attr-defined]
        assert acting_session() is one
    assert acting_session() is None
