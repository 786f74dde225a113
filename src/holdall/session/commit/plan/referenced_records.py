"""The records that a reference points at without being asked of any store."""

from __future__ import annotations

from holdall.model import Field, Record, Reference, record_in

__all__ = ["referenced_records"]


def referenced_records(field: Field, record: Record) -> list[Record]:
    """The records at hand that a reference field points at."""
    value = field.get(record)
    items = value if field.form is not None else (value,)
    return [record_in(item) for item in items if item.__class__ is Reference and record_in(item) is not None]
