"""Records of an answer that stand: neither to be removed nor deleted, as far as the query does not ask for that."""

from __future__ import annotations

from holdall.model import Record, State, is_soft_deleted, state_of
from holdall.query import AnyQuery
from holdall.session.binding import Binding
from holdall.session.references.guarded_access import names_field

__all__ = ["is_standing", "standing"]


def is_standing(record: Record) -> bool:
    """Whether the record is neither to be removed nor soft deleted."""
    return state_of(record) is not State.DELETED and not is_soft_deleted(record)


def standing(binding: Binding, query: AnyQuery, records: list[Record], *, are_some_removed: bool) -> list[Record]:
    """The records that are not to be removed; deleted ones are left out unless the query names the field that tells."""
    deletion = binding.declaration.deletion
    if deletion is not None and not names_field(query.condition, deletion.name):
        return [record for record in records if is_standing(record)]
    if are_some_removed:
        return [record for record in records if state_of(record) is not State.DELETED]
    return records
