"""What goes when a record goes: what refers to it is removed too, emptied, or stands in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from holdall.model import Field, OnDelete, State, items_of, state_of
from holdall.policy import Right, User
from holdall.session.references.asking import Asking
from holdall.session.references.bond import Bond
from holdall.session.references.consequences import Consequences, Refusal, fields_for, key_in, old_value
from holdall.store import Row

__all__ = ["follow_removals"]

_COUNTED = 10_000
_SHOWN = 3


async def follow_removals(found: Consequences, asking: Asking, user: User) -> None:
    """Follow every reference to what is removed, level by level, each level's children of one kind in pages.

    References that this commit sets are not followed: to refer to a record and to remove it is a contradiction, which
    ``demand_targets`` refuses.
    """
    pending = {binding: list(group) for binding, group in found.removed.items()}
    while pending:
        binding, keys = pending.popitem()
        for bond in binding.bound_by:
            if bond.on_delete is OnDelete.CASCADE:
                async for key, row, names in _children(found, asking, bond, keys, is_changed=False):
                    if not found.is_removed(bond.source, key):
                        found.remove(bond.source, key, found.record(bond.source, key, names, row))
                        pending.setdefault(bond.source, []).append(key)
    for binding, group in list(found.removed.items()):
        for bond in binding.bound_by:
            if bond.on_delete is OnDelete.UNLINK:
                await _unlink(found, asking, bond, list(group))
            elif bond.on_delete is OnDelete.RESTRICT:
                await _restrict(found, asking, bond, list(group), user)


async def _unlink(found: Consequences, asking: Asking, bond: Bond, keys: list[Any]) -> None:
    gone = set(keys)
    async for key, row, names in _children(found, asking, bond, keys, is_changed=True):
        if found.is_removed(bond.source, key):
            continue
        record = found.record(bond.source, key, names, row)
        value = found.value(record, bond.field)
        left: Any = None
        if bond.field.form is not None:
            unlinked = _still_referred(found, record, bond.field, gone)
            left = tuple([item for item in value if key_in(item) not in unlinked])
        found.change(record, key, bond.field, left)


async def _restrict(found: Consequences, asking: Asking, bond: Bond, keys: list[Any], user: User) -> None:
    number, shown = 0, list[Any]()
    async for key, _, _ in _children(found, asking, bond, keys, is_changed=False):
        if found.is_removed(bond.source, key):
            continue
        if number == _COUNTED:
            number += 1
            break
        number += 1
        if len(shown) < _SHOWN:
            shown.append(key)
    if number:
        may_see = bond.source.policy.allows(Right.READ, user)
        found.refusals.append(
            Refusal(
                bond.source.collection,
                bond.field.name,
                bond.target.collection,
                min(number, _COUNTED),
                tuple(shown) if may_see else (),
                number > _COUNTED,
            )
        )


async def _children(
    found: Consequences, asking: Asking, bond: Bond, keys: list[Any], *, is_changed: bool
) -> AsyncIterator[tuple[Any, Row, tuple[str, ...]]]:
    """The stored records that refer to these keys and will still do so: key, row and the names of its fields.

    A record with several of the keys in its list may come more than once.
    """
    names, gone = fields_for(bond, is_changed=is_changed), set(keys)
    parts = len(bond.source.schema.key)
    async for rows in asking.referring(bond, keys, names):
        for row in rows:
            key = row[0] if parts == 1 else row[:parts]
            held = found.known(bond.source, key)
            is_kept = held is not None and state_of(held) is not State.DELETED
            if is_kept and not _still_referred(found, held, bond.field, gone):
                continue  # it was moved away, or its reference to one of these is new
            yield key, row, names


def _still_referred(found: Consequences, record: Any, field: Field, keys: set[Any]) -> set[Any]:
    """Those of the keys that the record refers to as it is stored and as it will be."""
    before = {key_in(item) for item in items_of(field, old_value(record, field))}
    after = {key_in(item) for item in items_of(field, found.value(record, field))}
    return keys & before & after
