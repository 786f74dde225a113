"""Values of Python as border values, where no field says how."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

from holdall.errors import QueryError
from holdall.query.border import Value
from holdall.query.kinds import kind_of_value

__all__ = ["bordered"]


def bordered(value: object) -> Value:
    """The border value of a value by itself. Raises QueryError for what has none.

    >>> from datetime import datetime, timedelta, timezone
    >>> bordered(datetime(2024, 5, 6, 9, tzinfo=timezone(timedelta(hours=2)))).hour
    7
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    if isinstance(value, dict | list):
        return value
    if kind_of_value(value) is None:
        hint = ": a datetime needs a time zone" if isinstance(value, datetime) else ""
        hint = "; is_null() asks for missing values" if value is None else hint
        raise QueryError(f"a {type(value).__name__} is no value that a formula is compared or calculated with{hint}")
    return value
