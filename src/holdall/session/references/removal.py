"""What goes when a record goes: what refers to it is removed too, emptied, or stands in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from holdall.model import OnDelete, State, state_of
from holdall.policy import Right, User
from holdall.query import Kind
from holdall.session.references.asking import Asking
from holdall.session.references.bond import Bond
from holdall.session.references.consequences import Consequences, Refusal, fields_for, key_in
from holdall.store import Row

__all__ = ["follow_removals"]

_COUNTED = 10_000
_SHOWN = 3


async def follow_removals(found: Consequences, asking: Asking, user: User) -> None:
    """Follow every reference to what is removed, level by level, each level's children of one kind in pages."""
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
        left = None if bond.field.form is None else tuple([item for item in value if key_in(item) not in gone])
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
            if held is not None and state_of(held) is not State.DELETED:
                value = found.value(held, bond.field)
                if not any(key_in(item) in gone for item in (value if bond.field.kind is Kind.MANY else (value,))):
                    continue  # it was moved away
            yield key, row, names
