"""Columns that a table demands a value for, and that an insert does not send: the table does not fit the model."""

from __future__ import annotations

from holdall.errors import SchemaMismatch
from holdall.stores.sql.steps import Insert, Step

__all__ = ["unsent"]


def unsent(store: str, step: Step, column: str | None, *, is_certain: bool = True) -> SchemaMismatch | None:
    """The error for a column that refuses null; None where the step has sent it a value.

    Unless it ``is_certain``, the column may be that of a table which triggers write.
    """
    if column is None or not isinstance(step, Insert) or column in step.columns:
        return None
    others = "" if is_certain else ", or one that its triggers write,"
    told = f"table {step.table.name!r}{others} demands a value for column {column!r}, and no field gives it one"
    return SchemaMismatch(store, [f"{told}: give the column a default, or the model a field; compare with inspect()"])
