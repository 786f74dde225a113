"""Names for what crosses the border between models and stores: values, keys of records, rows of values."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Json", "Key", "Row", "Value"]

Value: TypeAlias = Any
"""A value of one of the kinds of ``Kind``, or None."""

Key: TypeAlias = Any
"""The name of a record in its collection: a scalar value, or a tuple of them where the key has several fields."""

Json: TypeAlias = Any
"""A tree of what JSON has: dict, list, str, int, float, bool and None."""

Row: TypeAlias = tuple[Value, ...]
"""A value for each field that was asked for, in that order."""
