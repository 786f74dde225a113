"""Records that are not as their models say: read field by field, and told with all that could be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from holdall.errors import CorruptRecord
from holdall.query import Schema, Value
from holdall.store import Damaged
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.record import Row, field_value

__all__ = ["Damage", "damaged_reason", "damaged_row", "is_damaged"]


_UNREADABLE = "cannot be read: "


class Damage(msgspec.Struct, frozen=True):
    """A record that cannot be read whole: where it lies, why, and its row with ``Damaged`` for what cannot be read.

    ``stand_in`` is the row with null there, for conditions.
    """

    place: str
    reason: str
    row: Row

    @property
    def stand_in(self) -> Row:
        """The row with null for what cannot be read."""
        return tuple([None if isinstance(value, Damaged) else value for value in self.row])

    def refusal(self, store: str, schema: Schema, rows: Sequence[Row]) -> CorruptRecord:
        """The error for this record, with all rows that were asked for."""
        fields = [
            field.name for field, value in zip(schema.stored, self.row, strict=True) if isinstance(value, Damaged)
        ]
        key = None if set(fields) & set(schema.key) else schema.key_of(self.row)
        return CorruptRecord(store, self.place, self.reason, key=key, fields=fields, rows=rows)


def is_damaged(row: Row) -> bool:
    """Whether anything in a row cannot be read."""
    return any(isinstance(value, Damaged) for value in row)


def damaged_reason(schema: Schema, row: Row) -> str:
    """The first field of a row that cannot be read, and why."""
    values = zip(schema.stored, row, strict=True)
    field, value = next((field, value) for field, value in values if isinstance(value, Damaged))
    return f"{field.name}: {value.reason.removeprefix(_UNREADABLE)}"


def damaged_row(schema: Schema, values: object, key_values: Mapping[str, Value] | None, reason: str) -> Row:
    """The row of a record that cannot be read for this reason: what can be, and the key that its file's name tells."""
    told = dict(key_values or {})
    found = values if isinstance(values, dict) and values.keys() <= schema.columns else None
    row: list[Value] = []
    for field in schema.stored:
        try:
            if field.name in told:
                row.append(told[field.name])
            elif found is None:
                raise Misfit(reason)
            else:
                row.append(field_value(field, found, None))
        except Misfit as misfit:
            row.append(Damaged(_UNREADABLE + misfit.reason))
    if not is_damaged(tuple(row)):  # what is wrong is the key, which the name tells otherwise
        row = [
            value if field.name in told else Damaged(_UNREADABLE + reason)
            for field, value in zip(schema.stored, row, strict=True)
        ]
    return tuple(row)
