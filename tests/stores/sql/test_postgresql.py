from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from holdall.query import Schema
from holdall.stores.sql import SqlStore, open_sql
from holdall.testing.conformance import StoreConformance, odd_names
from tests.servers.embedded_postgres import EmbeddedPostgres


class TestPostgresqlFromAWheel(StoreConformance):
    label = "PostgreSQL"
    examples = 20

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("postgresql", request.getfixturevalue("postgres_url"))


class TestPostgresqlOfThisMachine(StoreConformance):
    part = (1, 4)
    examples = 20
    histories = 4

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("machine", request.getfixturevalue("machine_postgres_url"))


@pytest.fixture(scope="module")
def preparing_url() -> Iterator[str]:
    """A PostgreSQL that keeps prepared transactions."""
    with EmbeddedPostgres(settings={"max_prepared_transactions": "20"}) as server:
        yield server.url


class TestPostgresqlThatPrepares(StoreConformance):
    part = (2, 2)
    examples = 10
    histories = 4
    test_collisions = StoreConformance.test_collisions
    test_what_was_held_is_written = StoreConformance.test_what_was_held_is_written

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("preparing", request.getfixturevalue("preparing_url"))

    def open_impatient(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("preparing", request.getfixturevalue("preparing_url"), lock_timeout=0.05)


class TestPostgresqlUnderOtherNames(StoreConformance):
    part = (2, 3)
    examples = 20
    histories = 4

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("named", request.getfixturevalue("postgres_url"))

    def named(self, schema: Schema) -> Schema:
        return msgspec.structs.replace(odd_names(schema, is_split=True), namespace="Books & co")
