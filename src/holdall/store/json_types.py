"""The types of values in JSON, by their kind, as msgspec reads them: those of stores that keep or send JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

import msgspec

from holdall.query import MAX_INT, Kind, Value

__all__ = ["JSON_TYPES"]

JSON_TYPES: Mapping[Kind, Value] = MappingProxyType(
    {
        Kind.BOOL: bool,
        Kind.INT: Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)],
        Kind.FLOAT: float,
        Kind.DECIMAL: Decimal,
        Kind.STR: str,
        Kind.BYTES: bytes,
        Kind.DATETIME: Annotated[datetime, msgspec.Meta(tz=True)],
        Kind.DATE: date,
        Kind.TIME: Annotated[time, msgspec.Meta(tz=False)],
        Kind.TIMEDELTA: timedelta,
        Kind.UUID: UUID,
        Kind.JSON: Value,
    }
)
"""The type of each kind whose values are no references."""
