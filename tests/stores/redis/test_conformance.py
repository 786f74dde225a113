from __future__ import annotations

import os

import pytest

from holdall.query import Schema
from holdall.stores.redis import RedisStore
from holdall.testing.conformance import StoreConformance, odd_names


class TestRedis(StoreConformance):
    label = "Redis"
    examples = 15
    histories = 8

    def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
        return RedisStore("redis", request.getfixturevalue("redis_url"), scan_limit=100_000)


class TestRedisCluster(StoreConformance):
    part = (1, 3)
    label = "Redis (cluster)"
    values_apart = 3
    examples = 8
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
        return RedisStore("cluster", request.getfixturevalue("redis_cluster_url"), scan_limit=100_000)


class TestRedisUnderOtherNames(StoreConformance):
    part = (2, 3)
    examples = 8
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
        return RedisStore("redis", request.getfixturevalue("redis_url"), scan_limit=100_000)

    def named(self, schema: Schema) -> Schema:
        return odd_names(schema)


if "REDIS_URL" in os.environ:

    class TestServerOfYourChoice(StoreConformance):
        """It may hold anything: the suite keeps to names that begin with a prefix of this process."""

        def open_store(self, request: pytest.FixtureRequest) -> RedisStore:
            prefix = f"holdall_test_{os.getpid()}"
            return RedisStore("named", os.environ["REDIS_URL"], prefix=prefix, scan_limit=100_000)
