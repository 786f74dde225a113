"""Records of other sessions that records of this one refer to: a reference to what is stored is its key."""

from __future__ import annotations

from holdall.model import Reference, State, record_in, replace_items, state_of
from holdall.query import Value
from holdall.session.identity import IdentityMap

__all__ = ["take_keys_of_others"]

_STORED = (State.CLEAN, State.DIRTY)


def take_keys_of_others(records: IdentityMap) -> None:
    """Let changed records refer by key to stored records that another session holds, or held.

    So the reference leads to this session's record of that key, and nothing of the other session is written.
    """

    def own(item: Value) -> Value:
        return item.key if _is_of_others(records, item) else item

    for group in (records.new, records.dirty):
        for record in group.values():
            for field in type(record).__holdall__.outgoing:
                if field.form is not None or _is_of_others(records, field.get(record)):
                    replace_items(field, record, own)


def _is_of_others(records: IdentityMap, item: object) -> bool:
    if item.__class__ is not Reference or record_in(item) is None:
        return False
    return not records.holds(record_in(item)) and state_of(record_in(item)) in _STORED
