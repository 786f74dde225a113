"""Computed updates at the bounds of what a field can hold: refused as a whole, whatever else is committed with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from holdall import Holdall, Model, expr, field
from holdall.errors import CommitAborted, ValidationError
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio

STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]


class Tag(Model):
    code: str = field(pk=True)
    weight: int = 0


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    folder = tmp_path_factory.mktemp("tags")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/main.db", "yaml": f"yaml:{folder}/main"}
    app = Holdall("tags")
    app.add_store("main", urls.get(request.param) or request.getfixturevalue(request.param))
    app.add(Tag, store="main")
    app.bindings.configure()
    await drop(app.stores["main"])
    await app.create()
    async with app.session() as session:
        session.add_all([Tag(code=code) for code in ("x", "y", "z", "other")])
    yield app
    await drop(app.stores["main"])
    await app.close()


async def test_a_value_out_of_bounds_in_the_middle_leaves_nothing_half_written(app: Holdall) -> None:
    async def weigh(weights: dict[str, int]) -> None:
        async with app.session() as session:
            for tag in await session.query(Tag.where(expr(Tag.code).in_(list(weights)))):
                tag.weight = weights[tag.code]

    async def raised(factor: int, step: int) -> None:
        async with app.session() as session:
            await session.update(Tag.where(), weight=Tag.weight * factor + step)

    for edge, factor, step in ((9_199_999_999_999_999_488, 1, 1), (1 - 2**63, 1, -1), (2**62, 2, 0)):
        await weigh({"x": 1, "y": edge, "z": 3})
        refused, other = await asyncio.gather(raised(factor, step), weigh({"other": 5}), return_exceptions=True)
        assert isinstance(refused, CommitAborted | ValidationError)
        assert other is None
        async with app.session() as session:
            found = {tag.code: tag.weight for tag in await session.query(Tag.where())}
        assert found == {"x": 1, "y": edge, "z": 3, "other": 5}
