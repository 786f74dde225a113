from __future__ import annotations

import pytest

from holdall.stores.mongo import MongoStore, StandaloneMongoStore, open_mongo
from holdall.testing.conformance import StoreConformance


class TestMongoWithTransactions(StoreConformance):
    label = "MongoDB (replica set)"

    def open_store(self, request: pytest.FixtureRequest) -> MongoStore | StandaloneMongoStore:
        return open_mongo("mongo", request.getfixturevalue("mongo_url"))
