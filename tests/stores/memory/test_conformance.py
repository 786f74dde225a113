from __future__ import annotations

import pytest

from holdall.store import CommitClass, Hold, Store
from holdall.stores.memory import MemoryStore
from holdall.testing.conformance import StoreConformance
from holdall.testing.lasting_memory import lasting_memory


class TestMemory(StoreConformance):
    label = "memory"
    examples = 60

    def open_store(self, request: pytest.FixtureRequest) -> MemoryStore:
        return MemoryStore("memory")


class TestLastingBatch(StoreConformance):
    examples = 20
    histories = 5

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        return lasting_memory("batch", CommitClass.BATCH)


class TestLastingPlain(StoreConformance):
    examples = 20
    histories = 5

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        return lasting_memory("plain", CommitClass.TX, Hold.NONE)
