from __future__ import annotations

import pytest

from holdall.query import Schema
from holdall.stores.sql import SqlStore, open_sql
from holdall.testing.conformance import StoreConformance, odd_names


class TestSqliteFile(StoreConformance):
    label = "SQLite"
    examples = 25

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        path = request.getfixturevalue("tmp_path_factory").mktemp("sqlite") / "test.db"
        return open_sql("sqlite", f"sqlite:///{path}")


class TestSqliteInMemory(StoreConformance):
    part = (1, 2)
    examples = 20
    histories = 4

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("memory", "sqlite://")


class TestSqliteByTheStandardLibrary(StoreConformance):
    part = (2, 2)
    examples = 15
    histories = 4

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        path = request.getfixturevalue("tmp_path_factory").mktemp("sqlite") / "test.db"
        return open_sql("sqlite", f"sqlite:///{path}?driver=stdlib")


class TestSqliteUnderOtherNames(StoreConformance):
    part = (1, 3)
    examples = 20
    histories = 4

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("sqlite", "sqlite://")

    def named(self, schema: Schema) -> Schema:
        return odd_names(schema, is_split=True)
