"""Cascades of a removal: records that refer to the removed one are removed too, their references emptied, or the
removal is refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from holdall.errors import Refusal
from holdall.model import Field, OnDelete, Record, State, items_of, state_of
from holdall.policy import Right, User
from holdall.query import ALWAYS, Condition, Key, Value
from holdall.session.binding import Relationship
from holdall.session.references.cascade_plan import CascadePlan, fields_for, key_in, old_value
from holdall.session.references.related_reader import RelatedReader
from holdall.store import Row

__all__ = ["children", "follow_removals", "restrict"]

_COUNTED = 10_000
_SHOWN = 3


async def follow_removals(found: CascadePlan, asking: RelatedReader, user: User) -> None:
    """Follow every reference to what is removed, level by level, each level's children of one kind in pages.

    References that this commit sets are not followed: to refer to a record and to remove it is a contradiction, which
    ``demand_targets`` refuses.
    """
    pending = {binding: list(group) for binding, group in found.removed.items()}
    while pending:
        binding, keys = pending.popitem()
        for relationship in binding.bound_by:
            if relationship.on_delete is OnDelete.CASCADE:
                async for key, row, names in children(found, asking, relationship, keys, is_changed=False):
                    if not found.is_removed(relationship.source, key):
                        record = found.record(relationship.source, key, names, row)
                        found.remove(relationship.source, key, record)
                        found.follow(record)
                        found.assume(record, relationship.field)
                        pending.setdefault(relationship.source, []).append(key)
    for binding, group in list(found.removed.items()):
        for relationship in binding.bound_by:
            if relationship.on_delete is OnDelete.UNLINK:
                await _unlink(found, asking, relationship, list(group))
            elif relationship.on_delete is OnDelete.RESTRICT:
                await restrict(found, asking, relationship, list(group), user)


async def _unlink(found: CascadePlan, asking: RelatedReader, relationship: Relationship, keys: list[Key]) -> None:
    gone = set(keys)
    async for key, row, names in children(found, asking, relationship, keys, is_changed=True):
        if found.is_removed(relationship.source, key):
            continue
        record = found.record(relationship.source, key, names, row)
        value = found.value(record, relationship.field)
        left: Value = None
        if relationship.field.form is None:
            found.assume(record, relationship.field)
        else:
            unlinked = _still_referred(found, record, relationship.field, gone)
            left = tuple([item for item in value if key_in(item) not in unlinked])
        found.change(record, key, relationship.field, left)
        found.follow(record)


async def restrict(
    found: CascadePlan,
    asking: RelatedReader,
    relationship: Relationship,
    keys: list[Key],
    user: User,
    wanted: Condition = ALWAYS,
) -> None:
    """Note a refusal where records that are ``wanted`` refer to these keys and stay."""
    number, shown = 0, list[Any]()
    async for key, _, _ in children(found, asking, relationship, keys, is_changed=False, wanted=wanted):
        goes = found.is_removed if wanted == ALWAYS else found.is_going
        if goes(relationship.source, key):
            continue
        if number == _COUNTED:
            number += 1
            break
        number += 1
        if len(shown) < _SHOWN:
            shown.append(key)
    if number:
        policy = relationship.source.policy
        is_hidden = relationship.field.root.name in policy.hidden(user)  # so that the keys would tell what it says
        may_see = policy.is_whole(Right.READ, user) and not is_hidden
        found.refusals.append(
            Refusal(
                relationship.source.collection,
                str.__str__(relationship.field.name),  # as plain text, for those who encode it
                relationship.target.collection,
                min(number, _COUNTED),
                tuple(shown) if may_see else (),
                number > _COUNTED,
            )
        )


async def children(
    found: CascadePlan,
    asking: RelatedReader,
    relationship: Relationship,
    keys: list[Key],
    *,
    is_changed: bool,
    wanted: Condition = ALWAYS,
) -> AsyncIterator[tuple[Record, Row, tuple[str, ...]]]:
    """The stored records that refer to these keys and will still do so: key, row and the names of its fields.

    A record with several of the keys in its list may come more than once.
    """
    names, gone = fields_for(relationship, is_changed=is_changed), set(keys)
    parts = len(relationship.source.schema.key)
    async for rows in asking.referring(relationship, keys, names, wanted):
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            held = found.known(relationship.source, key)
            is_kept = held is not None and state_of(held) is not State.DELETED
            if is_kept and not _still_referred(found, held, relationship.field, gone):
                continue  # it was moved away, or its reference to one of these is new
            yield key, row, names


def _still_referred(found: CascadePlan, record: Record, field: Field, keys: set[Key]) -> set[Key]:
    """Those of the keys that the record refers to as it is stored and as it will be."""
    before = {key_in(item) for item in items_of(field, old_value(record, field))}
    after = {key_in(item) for item in items_of(field, found.value(record, field))}
    return keys & before & after
