"""A record added under the key of a removed one is written whole, and checked against what its store has by then."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, State, field, state_of
from holdall.errors import CommitAborted, StaleVersion

pytestmark = pytest.mark.anyio


class Counted(Model, collection="counted"):
    id: int = field(pk=True)
    n: int = field(default=0)
    version: int = field(version=True)


class Plain(Model, collection="plain"):
    id: int = field(pk=True)
    n: int = field(default=0)
    m: int = field(default=0)


class Bare(Model, collection="bare"):
    id: int = field(pk=True)


class Beside(Model, collection="beside"):
    id: int = field(pk=True)
    n: int = field(default=0)


KINDS = ["memory", "sqlite", "yaml", "redis", "mongo", "postgres", "mariadb", "yaml+sqlite", "redis+sqlite"]


def _url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    if kind in ("mongo", "postgres", "mariadb"):
        return str(request.getfixturevalue("fresh_database")(request.getfixturevalue(f"{kind}_url"))), {}
    if kind == "redis":
        return str(request.getfixturevalue("redis_url")), {"prefix": secrets.token_hex(6), "scan_limit": 1000}
    return {"sqlite": f"sqlite:///{tmp_path}/a.db", "yaml": f"yaml:{tmp_path}/y"}.get(kind, "memory:"), {}


@pytest.fixture(params=KINDS)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("succession", journal=f"sqlite:///{tmp_path}/journal.db")
    kinds = request.param.split("+")
    for kind in kinds:
        url, options = _url(kind, request, tmp_path)
        made.add_store(kind, url, **options)
    made.add(Counted, Plain, Bare, store=kinds[0])
    made.add(Beside, store=kinds[-1])
    await made.create()
    async with made.session() as s:
        s.add(Beside(id=1))
    yield made
    await made.close()


async def _add_all(app: Holdall) -> None:
    async with app.session() as s:
        s.add_all([Counted(id=1), Plain(id=1), Bare(id=1)])


async def _n_beside(app: Holdall) -> int:
    async with app.session() as s:
        return (await s.require(Beside, 1)).n


@pytest.mark.parametrize("model", [Counted, Plain, Bare])
@pytest.mark.parametrize("is_set_back", [False, True])
async def test_it_is_refused_where_the_removed_record_is_gone(app: Holdall, model: Any, is_set_back: bool) -> None:
    await _add_all(app)
    async with app.session() as s:
        removed, beside = await s.require(model, 1), await s.require(Beside, 1)
        async with app.session() as faster:
            faster.remove(await faster.require(model, 1))
        s.remove(removed)
        new = s.add(model(id=1))
        if is_set_back and model is not Bare:
            new.n = 1
            new.n = 0
        beside.n = 1
        with pytest.raises(CommitAborted) as caught:
            await s.commit()
        assert isinstance(caught.value.__cause__, StaleVersion)
        s.rollback()
    assert await _n_beside(app) == 0


async def test_it_is_refused_where_the_removed_record_has_another_version(app: Holdall) -> None:
    await _add_all(app)
    async with app.session() as s:
        removed, beside = await s.require(Counted, 1), await s.require(Beside, 1)
        async with app.session() as faster:
            (await faster.require(Counted, 1)).n = 5
        s.remove(removed)
        s.add(Counted(id=1))
        beside.n = 1
        with pytest.raises(CommitAborted):
            await s.commit()
        s.rollback()
    assert await _n_beside(app) == 0
    async with app.session() as s:
        assert (await s.require(Counted, 1)).n == 5


@pytest.mark.parametrize("m", [0, 1])
async def test_without_a_version_it_is_stored_whole(app: Holdall, m: int) -> None:
    await _add_all(app)
    async with app.session() as s:
        removed, beside = await s.require(Plain, 1), await s.require(Beside, 1)
        async with app.session() as faster:
            (await faster.require(Plain, 1)).n = 5
        s.remove(removed)
        s.add(Plain(id=1, m=m))
        beside.n = 1
    assert await _n_beside(app) == 1
    async with app.session() as s:
        found = await s.require(Plain, 1)
        assert (found.n, found.m) == (0, m)


@pytest.mark.parametrize("model", [Counted, Plain, Bare])
async def test_where_nobody_was_faster_it_becomes_the_stored_record(app: Holdall, model: Any) -> None:
    await _add_all(app)
    async with app.session() as s:
        s.remove(await s.require(model, 1))
        new = s.add(model(id=1))
        (await s.require(Beside, 1)).n = 1
        await s.commit()
        assert state_of(new) is State.CLEAN
        assert not s.plan().steps
    async with app.session() as s:
        found = await s.require(model, 1)
        assert getattr(found, "version", 2) == 2
