"""The health of stores: whoever answers, who does not, and who takes too long, all within a bound."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Holdall
from holdall.app import StoreState
from holdall.errors import StateError
from holdall.stores.memory import MemoryStore

pytestmark = pytest.mark.anyio


async def test_every_store_is_looked_at(tmp_path: Path) -> None:
    app = Holdall("well")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("files", f"yaml:{tmp_path}/nowhere")
    app.add_store("gone", "postgresql://nobody@127.0.0.1:1/nothing")
    app.add_store("cache", "redis://127.0.0.1:1/0")
    app.add_store("memory", "memory:")
    health = await app.health()
    await app.close()
    assert {name: store.state for name, store in health.stores.items()} == {
        "main": StoreState.WELL,
        "files": StoreState.DOWN,
        "gone": StoreState.DOWN,
        "cache": StoreState.DOWN,
        "memory": StoreState.UNKNOWN,
    }
    assert not health.is_well
    assert health.stores["gone"].reason is not None
    assert health.stores["main"].seconds is not None
    pool = health.stores["gone"].pool
    assert pool is not None
    assert (pool.most, pool.used) == (10, 0)


async def test_a_look_is_bounded() -> None:
    class Slow(MemoryStore):
        async def ping(self) -> None:
            await asyncio.sleep(3600)

    app = Holdall("slow")
    app.add_store("main", Slow("main"))
    health = await app.health(timeout=0.01)
    assert health.stores["main"].state is StoreState.DOWN
    assert health.stores["main"].reason == "no answer within 0.01 s"
    with pytest.raises(StateError):
        await app.health(timeout=0)
    assert not app.sync.health(timeout=0.01).is_well
    app.sync.close()
