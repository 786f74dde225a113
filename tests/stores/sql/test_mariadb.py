from __future__ import annotations

import pytest

from holdall.stores.sql import SqlStore, open_sql
from holdall.testing.conformance import StoreConformance


class TestMariadb(StoreConformance):
    label = "MariaDB"
    examples = 40
    histories = 6

    def open_store(self, request: pytest.FixtureRequest) -> SqlStore:
        return open_sql("mariadb", request.getfixturevalue("mariadb_url"), lock_timeout=1)
