from __future__ import annotations

import pytest

from holdall.stores.redis import RedisStore
from holdall.testing.conformance import StoreConformance


class TestRedis(StoreConformance):
    label = "redis"

    def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
        return RedisStore("redis", request.getfixturevalue("redis_url"), scan_limit=100_000)


class TestRedisCluster(StoreConformance):
    label = "redis cluster"
    examples = 15
    histories = 5

    def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
        return RedisStore("cluster", request.getfixturevalue("redis_cluster_url"), scan_limit=100_000)
