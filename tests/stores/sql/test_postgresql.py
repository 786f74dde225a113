from __future__ import annotations

import pytest

from holdall.stores.sql import SqlStore, open_sql
from holdall.testing.conformance import StoreConformance


class TestPostgresqlFromAWheel(StoreConformance):
    label = "PostgreSQL"
    examples = 70

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("postgresql", request.getfixturevalue("postgres_url"))


class TestPostgresqlOfThisMachine(StoreConformance):
    examples = 40
    histories = 6

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("machine", request.getfixturevalue("machine_postgres_url"))
