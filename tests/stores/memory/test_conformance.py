from __future__ import annotations

import pytest

from holdall.stores.memory import MemoryStore
from holdall.testing.conformance import StoreConformance


class TestMemory(StoreConformance):
    label = "memory"

    def open_store(self, request: pytest.FixtureRequest) -> MemoryStore:
        return MemoryStore("memory")
