"""The array types that asyncpg is told: they are the server's, and a connection asks for none of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from holdall.stores.sql.postgres_types import tell_types

pytestmark = pytest.mark.anyio

_VALUES: dict[str, Any] = {
    "bool": True,
    "bytea": b"\x00\xff",
    "int2": 2,
    "int4": 4,
    "int8": 1 << 40,
    "text": 'a"b,{}\\',
    "varchar": "x",
    "float4": 0.5,
    "float8": 1e300,
    "numeric": Decimal("1.10"),
    "date": date(2024, 2, 29),
    "time": time(23, 59, 59, 999999),
    "timestamp": datetime(2024, 2, 29, 1),  # noqa: DTZ001
    "timestamptz": datetime(2024, 2, 29, 1, tzinfo=UTC),
    "uuid": UUID(int=7),
    "json": '{"a": [1]}',
    "jsonb": '{"a": [1]}',
}


async def test_the_driver_is_told_of_arrays_and_asks_for_none(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    ask = asyncpg.Connection._introspect_types

    async def noting(self: asyncpg.Connection, kinds: Any, seconds: float | None) -> Any:
        asked.extend(kinds)
        return await ask(self, kinds, seconds)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", noting)
    for is_told in (True, False):
        connection = await asyncpg.connect(postgres_url, statement_cache_size=0)
        try:
            if is_told:
                tell_types(connection)
            for kind, value in _VALUES.items():
                given = [value, None, value]
                assert await connection.fetchval(f"SELECT $1::{kind}[]", given) == given
            assert bool(asked) is not is_told
        finally:
            await connection.close()
