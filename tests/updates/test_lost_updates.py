"""No update is lost: eight writers at once, or two processes, count to exactly what they counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Holdall
from holdall.store import Change, open_store
from holdall.stores.rest import BodyVersion, RestCollection
from tests.servers.api import Api
from tests.support.preloaded import PreloadedProcess
from tests.updates.counting import begin, count, counting_app, total

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[2]
_WRITERS, _TIMES = 8, 25


async def tried(app: Holdall, writers: int = _WRITERS, times: int = _TIMES) -> tuple[tuple[int, int], int]:
    """What the counter says in the end, how often it was written, and how often writers met."""

    async def main() -> tuple[tuple[int, int], int]:
        try:
            await begin(app)
            conflicts = await asyncio.gather(*(count(app, times) for _ in range(writers)))
            return await total(app), sum(conflicts)
        finally:
            await app.close()

    return await asyncio.wait_for(main(), 120)


async def same(app: Holdall) -> None:
    found, conflicts = await tried(app)
    assert found == (_WRITERS * _TIMES, _WRITERS * _TIMES)
    assert conflicts > 0, "writers never met, so nothing was tried"


async def test_in_memory() -> None:
    await same(counting_app("memory:"))


async def test_in_sqlite(tmp_path: Path) -> None:
    await same(counting_app(f"sqlite:///{tmp_path}/counter.db"))


async def test_in_postgresql(postgres_url: str, fresh_database: Callable[[str], str]) -> None:
    await same(counting_app(fresh_database(postgres_url)))


async def test_in_yaml(tmp_path: Path) -> None:
    await same(counting_app(f"yaml:{tmp_path}"))


async def test_in_redis(redis_url: str) -> None:
    await same(counting_app(redis_url, prefix="lost updates"))


async def test_in_mongodb(mongo_url: str) -> None:
    await same(counting_app(mongo_url.replace("/test", "/updates")))


async def test_in_mongodb_without_transactions(standalone_mongo_url: str) -> None:
    await same(counting_app(standalone_mongo_url.replace("/test", "/updates")))


async def test_in_somebody_elses_api() -> None:
    with Api() as api:
        counters = RestCollection(path="/once/updates/counter/{id}", version=BodyVersion(is_sent=True))
        await same(counting_app(api.url, collections={"counter": counters}))


@pytest.mark.parametrize("scheme", ["sqlite", "yaml"])
def test_of_two_processes(tmp_path: Path, scheme: str) -> None:
    url = f"sqlite:///{tmp_path}/counter.db" if scheme == "sqlite" else f"yaml:{tmp_path}"
    app = counting_app(url)
    asyncio.run(begin(app))
    words = ["-m", "tests.updates.counting", url, json.dumps({}), str(_TIMES)]
    others = [PreloadedProcess(*words) for _ in range(2)]
    assert [other.wait(timeout=120) for other in others] == [0, 0]
    assert asyncio.run(total(app)) == (2 * _TIMES, 2 * _TIMES)
    asyncio.run(app.close())


class Overwriting:
    """A store that takes no notice of the version a change expects."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def apply(self, changes: Sequence[Change]) -> Any:
        return await self._store.apply([msgspec.structs.replace(change, version=None) for change in changes])


async def test_a_store_that_overwrites_is_caught() -> None:
    """The planted fault."""
    store: Any = Overwriting(open_store("main", "memory:"))
    (value, _), _ = await tried(counting_app(store))
    assert value < _WRITERS * _TIMES
