"""Records of an answer that stand: neither to be removed nor deleted, as far as the query does not ask for that."""

from __future__ import annotations

from collections.abc import Callable

from holdall.model import Record, State, is_soft_deleted, state_of
from holdall.query import AnyQuery
from holdall.session.binding import Binding
from holdall.session.references.guarded_access import names_field

__all__ = ["is_standing", "names_deletion", "stands_in"]


def is_standing(record: Record) -> bool:
    """Whether the record is neither to be removed nor soft deleted."""
    return state_of(record) is not State.DELETED and not is_soft_deleted(record)


def stands_in(binding: Binding, query: AnyQuery) -> Callable[[Record], bool]:
    """The function that says whether a record belongs to an answer of the query: deleted ones do if it names the field
    that tells.
    """
    return _is_kept if binding.declaration.deletion is None or names_deletion(binding, query) else is_standing


def names_deletion(binding: Binding, query: AnyQuery) -> bool:
    """Whether the query asks for records by the field that tells whether they are deleted."""
    deletion = binding.declaration.deletion
    return deletion is not None and names_field(query.condition, deletion.name)


def _is_kept(record: Record) -> bool:
    return state_of(record) is not State.DELETED
