"""The records that a reference points at without being asked of any store."""

from __future__ import annotations

from typing import Any

from holdall.model import Field, Reference

__all__ = ["referenced_records"]


def referenced_records(field: Field, record: Any) -> list[Any]:
    """The records at hand that a reference field points at."""
    value = field.get(record)
    items = value if field.form is not None else (value,)
    return [item._record for item in items if item.__class__ is Reference and item._record is not None]
