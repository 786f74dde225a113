"""Values that a user may not read do not stay in his session: records that were read are emptied of them."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.model import WITHHELD, Field, Record
from holdall.policy import User
from holdall.query import Value
from holdall.session.binding import Binding
from holdall.store import Rows

__all__ = ["blank_of", "withheld_rows", "withhold"]


def withhold(binding: Binding, user: User, records: Iterable[Record]) -> None:
    """Empty records, just read, of the values that the user may not read."""
    if user.unrestricted or not binding.policy.has_fields:
        return
    hidden = binding.policy.hidden(user)
    fields = [field for field in binding.declaration.stored if field.name in hidden]
    if fields:
        for record in records:
            for field in fields:
                field.put(record, blank_of(field))


def withheld_rows(binding: Binding, user: User, rows: Rows) -> Rows:
    """Whole rows, with None in place of the values that the user may not read."""
    hidden = binding.policy.hidden(user) if binding.policy.has_fields else ()
    if not hidden:
        return rows
    shown = [field.name not in hidden for field in binding.declaration.stored]
    return [tuple([value if may else None for value, may in zip(row, shown, strict=True)]) for row in rows]


def blank_of(field: Field) -> Value:
    """The value that a record has in place of one that is withheld."""
    if field.target is None:
        return WITHHELD
    return () if field.form is not None else None
