"""B6: commits that meet two databases in opposite order wait for nobody's timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import CommitAborted

pytestmark = pytest.mark.anyio


class Left(Model):
    id: int = field(pk=True)
    n: int = 0
    version: int = field(version=True)
    other: Ref[Right | None] = field(default=None)


class Right(Model):
    id: int = field(pk=True)
    n: int = 0
    version: int = field(version=True)
    other: Ref[Left | None] = field(default=None)


@pytest.fixture(params=["plain", "prepared"])
def urls(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> tuple[str, str]:
    """Two databases of one server, with and without prepared transactions."""
    server = request.getfixturevalue("postgres_url" if request.param == "plain" else "prepared_postgres_url")
    return fresh_database(server), fresh_database(server)


async def test_opposite_orders_of_two_databases_end_without_waiting_out_a_budget(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    app = Holdall("x", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("one", urls[0])
    app.add_store("two", urls[1])
    app.add(Left, store="one")
    app.add(Right, store="two")
    try:
        await app.create()
        async with app.session() as session:
            session.add_all([Left(id=1), Right(id=1)])

        refusals: list[str] = []

        async def link(key: int, *, left_first: bool) -> int:
            """How often it was refused, until it went through."""
            for refused in range(60):
                try:
                    async with app.session() as session:
                        left, right = await session.require(Left, 1), await session.require(Right, 1)
                        left.n += 1
                        right.n += 1
                        if left_first:
                            right.other = session.add(Left(id=key))
                        else:
                            left.other = session.add(Right(id=key))
                        await asyncio.sleep(0.01)
                        await session.commit(timeout=600)
                except CommitAborted as error:
                    refusals.append(str(error))
                    await asyncio.sleep(0.01)
                else:
                    return refused
            raise AssertionError(f"{key} was refused 60 times")

        async with asyncio.timeout(120):  # had one waited out its timeout, it would take ten minutes
            for turn in range(3):
                await asyncio.gather(*[link(100 * turn + i + 10, left_first=i % 2 == 0) for i in range(6)])
        assert [text for text in refusals if "took longer" in text or "timed out" in text] == []
        async with app.session() as session:
            assert (await session.require(Left, 1)).n == 18
            assert (await session.require(Right, 1)).n == 18
            assert [await session.count(Left.where()), await session.count(Right.where())] == [10, 10]
        assert await app.recovery.unfinished() == []
    finally:
        await app.close()
