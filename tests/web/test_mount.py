"""The service in a host of FastAPI or Starlette: one call, the lifespans of both run, paths have the prefix."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.errors import DeclarationError
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Planet(Model, collection="planets"):
    id: int = field(pk=True, generated=True)
    name: str


def sky() -> Holdall:
    app = Holdall("sky")
    app.add_store("main", "sqlite://")
    app.add(Planet, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
async def test_both_live(kind: Any) -> None:
    seen: list[str] = []
    app = sky()

    @asynccontextmanager
    async def lifespan(host: Any) -> AsyncIterator[dict[str, str]]:
        async with app.session() as session:  # the tables are there
            session.add(Planet(name="Mars"))
        seen.append("begun")
        yield {"host": "state"}
        async with app.session() as session:  # and the stores are still open
            seen.append(str(await session.count(Planet.where())))

    host = kind(lifespan=lifespan)
    service = app.mount(host, "/sky", create=True)
    assert service.holdall is app
    async with Client(host) as client:
        assert seen == ["begun"]
        made = await client.post("/sky/planets", {"name": "Venus"})
        assert made.headers["location"] == "/sky/planets/2"
        assert (await client.get("/sky/planets")).json()["total_count"] == 2
        assert (await client.get("/sky/_health/ready")).status == 200
        assert (await client.get("/planets")).status == 404
    assert seen == ["begun", "2"]


async def test_a_service_that_cannot_start_keeps_its_host_from_starting() -> None:
    host = FastAPI()
    sky().mount(host, "/sky")  # without its tables
    with pytest.raises(RuntimeError):
        async with Client(host):
            pass


@pytest.mark.parametrize("prefix", ["sky", "", "/", "/sky/"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(DeclarationError, match="prefix"):
        sky().mount(FastAPI(), prefix)


def test_another_host_is_refused() -> None:
    with pytest.raises(DeclarationError, match="not in a dict"):
        sky().mount({}, "/sky")
    with pytest.raises(DeclarationError, match="no option"):
        sky().mount(FastAPI(), "/sky", nothing=1)
