from __future__ import annotations

import pytest

from holdall.stores.redis import RedisStore
from holdall.testing.conformance import StoreConformance


class TestRedis(StoreConformance):
    label = "redis"

    def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
        return RedisStore("redis", request.getfixturevalue("redis_url"), scan_limit=100_000)
