"""What the server's settings do not promise is told."""

from __future__ import annotations

import re

import pytest

from holdall.errors import StoreError, StoreUnavailable
from holdall.stores.redis.durability import shortfall
from tests.servers.valkey import Valkey, ValkeyCluster
from tests.support.redis_collections import PLAIN, store_at
from tests.support.redis_commit_parts import THING, opened

pytestmark = pytest.mark.anyio

_NOTHING = "Redis keeps nothing on disk: appendonly is no and save is empty"


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"appendonly": "yes", "appendfsync": "always", "save": ""}, None),
        ({"appendonly": "yes"}, None),
        ({"appendonly": "yes", "appendfsync": "everysec"}, "about a second.*appendfsync is everysec"),
        ({"appendonly": "yes", "appendfsync": "no"}, "not yet written to disk.*appendfsync is no"),
        ({"appendonly": "no", "save": "3600 1"}, "last snapshot.*appendonly is no and save is 3600 1"),
        ({"appendonly": "no"}, "last snapshot.*save cannot be read"),
        ({"appendonly": "no", "save": ""}, f"^{_NOTHING}$"),
        ({}, "does not tell whether.*CONFIG and INFO are forbidden"),
        ({"appendonly": "yes", "maxmemory": "0", "maxmemory-policy": "allkeys-lru"}, None),
        ({"appendonly": "yes", "maxmemory": "9", "maxmemory-policy": "volatile-lru"}, None),
        ({"appendonly": "yes", "maxmemory": "9", "maxmemory-policy": "allkeys-lru"}, "any record.*allkeys-lru"),
        ({"appendonly": "no", "save": "", "maxmemory": "9", "maxmemory-policy": "allkeys-lru"}, f"^{_NOTHING}; .*lru"),
    ],
)
async def test_settings(settings: dict[str, str], told: str | None) -> None:
    found = shortfall(settings)
    if told is None:
        assert found is None
    else:
        assert found is not None
        assert re.search(told, found)


async def test_settings_are_read_once_from_the_server() -> None:
    with Valkey() as server:
        async with opened(server.url) as (store, raw):
            assert await store.durability() == _NOTHING
            await raw.config_set("appendonly", "yes")
            await raw.config_set("appendfsync", "always")
            assert await store.durability() == _NOTHING, "read once"
            again = store_at(server.url, THING)
            assert await again.durability() is None
            await again.close()


async def test_where_config_is_forbidden_info_tells_a_part() -> None:
    with Valkey() as server:
        async with opened(server.url) as (_, raw):
            for rights, told in (
                ("-config", "Redis loses what was written after its last snapshot"),
                ("-info", "does not tell"),
            ):
                await raw.execute_command("ACL", "SETUSER", "guest", "on", ">secret", "~*", "+@all", "-config", rights)  # type: ignore[no-untyped-call]
                guest = store_at(server.url.replace("//", "//guest:secret@"), THING)
                assert told in str(await guest.durability())
                await guest.close()


async def test_a_server_that_is_not_there_is_no_answer() -> None:
    store = store_at("redis://127.0.0.1:1", THING)
    with pytest.raises(StoreUnavailable):
        await store.durability()
    with pytest.raises(StoreError):
        await store.durability()


@pytest.mark.parametrize("spread", ["store", "collection"])
async def test_a_cluster(redis_cluster: ValkeyCluster, spread: str) -> None:
    async with opened(redis_cluster.url, THING, PLAIN, spread=spread) as (store, _):
        assert await store.durability() == _NOTHING
