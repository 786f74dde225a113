"""Conditions that name records by their keys, in lists and pages that no store minds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdall.errors import LimitExceeded
from holdall.query import NEVER, And, Compare, Condition, Key, Kind, Op, Or, Path
from holdall.session.binding import Binding
from holdall.store import Feature

__all__ = ["PAGE", "any_of", "can_page", "chunks", "demand_few", "having_keys", "key_paths", "one_of"]

PAGE = 1_000
"""Rows in one page, and keys in one list."""


def can_page(binding: Binding) -> bool:
    """Whether rows can be asked for by key, batch by batch."""
    ordered = all(
        field.kind is not Kind.REF or len(field.target_key) == 1
        for field in map(binding.schema.field, binding.schema.key)
    )
    return ordered and {Feature.SORT, Feature.KEYSET} <= binding.store.capabilities.features


def chunks(binding: Binding, keys: list[Key]) -> Iterable[list[Any]]:
    """The keys in lists that the store and its neighbours take."""
    limits, parts = binding.store.capabilities.limits, len(binding.schema.key)
    size = limits.in_values if parts == 1 else max(1, (limits.condition_nodes - 1) // (parts + 1))
    size = min(size, PAGE)
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def having_keys(binding: Binding, keys: Sequence[Key]) -> Condition:
    """That a record of the collection has one of these keys."""
    names = binding.schema.key
    if len(names) == 1:
        path = (names[0],)
        return Compare(path, Op.EQ, keys[0]) if len(keys) == 1 else Compare(path, Op.IN, tuple(keys))
    conditions = tuple(
        [And(tuple([Compare((name,), Op.EQ, part) for name, part in zip(names, key, strict=True)])) for key in keys]
    )
    return conditions[0] if len(conditions) == 1 else Or(conditions)


def any_of(path: Path, keys: Sequence[Key], binding: Binding) -> Condition:
    """That the reference leads to one of these, in lists its store takes."""
    size = binding.store.capabilities.limits.in_values
    lists = [Compare(path, Op.IN, tuple(keys[start : start + size])) for start in range(0, len(keys), size)]
    return NEVER if not lists else lists[0] if len(lists) == 1 else Or(tuple(lists))


def one_of(paths: tuple[Path, ...], keys: tuple[Key, ...]) -> Condition:
    """That the values at these paths are together one of the keys."""
    if not keys:
        return NEVER
    if len(paths) == 1:
        return Compare(paths[0], Op.IN, keys)
    return Or(
        tuple([And(tuple(Compare(path, Op.EQ, part) for path, part in zip(paths, key, strict=True))) for key in keys])
    )


def key_paths(before: Path, binding: Binding) -> tuple[Path, ...]:
    """The paths of a collection's key, behind a reference to it."""
    return tuple([(*before, name) for name in binding.schema.key])


def demand_few(target: Binding, number: int) -> None:
    """Raise LimitExceeded where more keys of a collection would be brought into another store than may be."""
    if number > target.semi_join_limit:
        what = f"{target.collection} on the way into another store"
        raise LimitExceeded(what, target.semi_join_limit, "narrow the condition or raise semi_join_limit")
