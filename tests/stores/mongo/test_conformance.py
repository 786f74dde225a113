from __future__ import annotations

import os
from typing import Any

import pytest

from holdall.query import Schema
from holdall.stores.mongo import MongoStore, StandaloneMongoStore, open_mongo
from holdall.testing.conformance import StoreConformance, odd_names


class TestReplicaSet(StoreConformance):
    label = "MongoDB (replica set)"
    examples = 10
    histories = 5
    large_group = 10_000 if "HOLDALL_WHOLE" in os.environ else 2_000

    def open_store(self, request: pytest.FixtureRequest) -> MongoStore | StandaloneMongoStore:
        return open_mongo("mongo", request.getfixturevalue("mongo_url"))


class TestStandaloneServer(StoreConformance):
    """It reads by the same code, so that a look at reading is enough here."""

    part = (1, 4)
    label = "MongoDB (single server)"
    values_apart = 3
    examples = 3
    histories = 3
    test_operator: Any = None
    test_every_field: Any = None
    test_through_references: Any = None
    test_paging_by_position: Any = None
    test_any_content: Any = None
    test_limits_and_offsets: Any = None
    test_projections_through_references: Any = None
    test_extreme_values: Any = None
    test_large_group: Any = None

    def open_store(self, request: pytest.FixtureRequest) -> MongoStore | StandaloneMongoStore:
        return open_mongo("mongo", request.getfixturevalue("standalone_mongo_url"))


class TestReplicaSetUnderOtherNames(StoreConformance):
    part = (3, 3)
    examples = 8
    histories = 3

    def open_store(self, request: pytest.FixtureRequest) -> MongoStore | StandaloneMongoStore:
        return open_mongo("mongo", request.getfixturevalue("mongo_url"))

    def named(self, schema: Schema) -> Schema:
        return odd_names(schema, is_key_named=False)


if "MONGO_URL" in os.environ:

    class TestServerOfYourChoice(StoreConformance):
        def open_store(self, request: pytest.FixtureRequest) -> MongoStore | StandaloneMongoStore:
            return open_mongo("mongo", request.getfixturevalue("named_mongo_url"))
