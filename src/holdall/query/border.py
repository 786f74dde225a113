"""Names for what crosses the border between models and stores: values, keys of records, rows of values.

The first two are no types of their own: a field's ``Kind``, known when a program runs, says which type its values
have, and the schema whether a key is a tuple. A union would need a cast or a question wherever one is used.
"""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Json", "Key", "Row", "Value"]

Value: TypeAlias = Any
"""A value of one of the kinds of ``Kind``, or None."""

Key: TypeAlias = Any
"""The name of a record in its collection: a scalar value, or a tuple of them where the key has several fields."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A tree of what JSON has."""

Row: TypeAlias = tuple[Value, ...]
"""A value for each field that was asked for, in that order."""
