from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from holdall.query import Schema
from holdall.stores.sql import SqlStore, open_sql
from holdall.testing.conformance import StoreConformance, odd_names
from tests.servers.scratch import drop_namespace, own_name


def _other_database() -> str:
    return own_name("holdall_books & co")


@pytest.fixture(scope="module", autouse=True)
def other_database(mariadb_url: str) -> Iterator[None]:
    """The database of other names goes when its tests are done."""
    yield
    drop_namespace(mariadb_url, _other_database())


class TestMariadb(StoreConformance):
    label = "MariaDB"
    examples = 15
    histories = 6

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("mariadb", request.getfixturevalue("mariadb_url"))

    def open_impatient(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("mariadb", request.getfixturevalue("mariadb_url"), lock_timeout=1)


class TestMariadbUnderOtherNames(StoreConformance):
    part = (3, 3)
    examples = 20
    histories = 4

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("named", request.getfixturevalue("mariadb_url"))

    def open_impatient(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("named", request.getfixturevalue("mariadb_url"), lock_timeout=1)

    def named(self, schema: Schema) -> Schema:
        return msgspec.structs.replace(odd_names(schema, is_split=True), namespace=_other_database())
