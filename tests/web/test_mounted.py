"""A service below another application answers as by itself, once its lifespan is run by that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Planet(Model, collection="planets"):
    id: int = field(pk=True)


async def test_a_service_below_another_application_is_started_and_ended_by_it() -> None:
    app = Holdall("sky")
    app.add_store("main", "memory:")
    app.add(Planet, store="main", policy=Policy(read=Everyone, write=Everyone))
    seen: list[str] = []

    @asynccontextmanager
    async def own(service: Any) -> AsyncIterator[None]:
        seen.append("begun")
        yield
        seen.append("ended")

    service: FastAPI = app.asgi(create=True, lifespan=own)

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with service.router.lifespan_context(service):
            yield

    api = FastAPI(lifespan=lifespan)
    api.mount("/sky", service)

    async with Client(api) as client:
        assert seen == ["begun"]
        made = await client.post("/sky/planets", {"id": 3})
        assert (made.status, made.headers["location"]) == (201, "/sky/planets/3")
        assert (await client.get("/sky/planets/3")).json() == {"id": 3}
        assert b"/sky/planets" in (await client.get("/sky/")).body
    assert seen == ["begun", "ended"]
