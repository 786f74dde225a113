"""Stores that declare little and refuse the rest pass the suite: each missing ability is a refusal that was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from holdall.query import Kind, Op, Query, Schema
from holdall.store import (
    Capabilities,
    Change,
    CommitClass,
    Feature,
    Outcome,
    Rows,
    Store,
    demand_query,
    demand_schema,
)
from holdall.stores.memory import MemoryStore
from holdall.testing.conformance import Case, StoreConformance


class _Modest:
    """A memory store behind a narrow door: no transactions, no counting, no streaming, only what is declared."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.name = "modest"
        self.capabilities = capabilities
        self._inner = MemoryStore(self.name)

    def bind(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            demand_schema(self.name, self.capabilities, schema)
        self._inner.bind(schemas)

    async def fetch(self, query: Query[Any]) -> Rows:
        demand_query(self.name, self.capabilities, query)
        return await self._inner.fetch(query)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await self._inner.apply(changes)

    async def close(self) -> None:
        await self._inner.close()


class _Small(StoreConformance):
    examples = 10
    histories = 5


class TestModest(_Small):
    """Filters on own fields, and nothing else."""

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        return _Modest(
            Capabilities(
                CommitClass.BATCH,
                frozenset({Feature.FILTER, Feature.FOREIGN_KEYS}),
                frozenset({Op.EQ, Op.IN}),
                frozenset({Kind.STR, Kind.INT, Kind.REF, Kind.UUID, Kind.DATE}),
            )
        )

    def test_what_was_seen(self, case: Case) -> None:
        refused = set(Kind) - case.store.capabilities.kinds
        assert not any(case.declares(kind) for kind in refused)


class TestBare(_Small):
    """Whole collections of text and integers."""

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        kinds = frozenset({Kind.STR, Kind.INT})
        return _Modest(Capabilities(CommitClass.BATCH, frozenset(), frozenset(), kinds))
