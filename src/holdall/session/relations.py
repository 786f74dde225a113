"""Conditions that lead into another store: answered there first, and brought over as a bounded list of keys."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from holdall.errors import LimitExceeded, Unsupported
from holdall.policy import Right, User
from holdall.query import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Every,
    Kind,
    ManyForm,
    Not,
    Op,
    Or,
    Path,
    Query,
    Some,
)
from holdall.session.binding import Binding, Bindings
from holdall.store import Feature

__all__ = ["Localizer", "is_local"]


def is_local(query: Query[Any]) -> bool:
    """Whether no path of the query leaves its collection, so that there is nothing to look into."""
    for key in query.sort_keys:
        if len(key.path) > 1:
            return False
    for path in query.projection:
        if len(path) > 1:
            return False
    condition = query.condition
    if condition.__class__ is Compare:
        return len(condition.path) == 1
    pending = [condition]
    while pending:
        match pending.pop():
            case And(items) | Or(items):
                pending.extend(items)
            case Not(item):
                pending.append(item)
            case Compare(path):
                if len(path) > 1:
                    return False
            case _:
                return False
    return True


class Localizer:
    """Rewrites a query so that its own store can answer it; the user must be able to read every collection on it."""

    def __init__(self, bindings: Bindings, user: User) -> None:
        self._bindings = bindings
        self._user = user

    async def localize(self, query: Query[Any], binding: Binding) -> Query[Any]:
        """The query with every condition on another store replaced by keys.

        Raises Unsupported for a sort or projection that leads into another store, LimitExceeded where too many keys
        would come over.
        """
        for path in (*(key.path for key in query.sort_keys), *query.projection):
            if self._crossing(binding, path) is not None:
                raise Unsupported(
                    binding.store.name, f"sorting or projecting by {'.'.join(path)}, which is in another store"
                )
        condition = await self._condition(query.condition, binding)
        return Query(
            query.collection,
            condition,
            query.sort_keys,
            query.max_rows,
            query.skip,
            query.position,
            query.projection,
            query.model,
        )

    def _target(self, binding: Binding, name: str) -> Binding:
        field = binding.schema.field(name)
        if field.target is None:
            raise Unsupported(binding.store.name, f"a path through {name}, which is no reference")
        target = self._bindings.of_name(field.target)
        target.policy.demand(Right.READ, self._user, target.collection)
        return target

    def _crossing(self, binding: Binding, path: Path) -> tuple[int, Binding, Binding] | None:
        """How many steps of the path stay in the store, where they end and where the next leads; None if all stay."""
        current = binding
        for number, name in enumerate(path[:-1], 1):
            target = self._target(current, name)
            if target.store is not binding.store:
                return number, current, target
            current = target
        return None

    async def _condition(self, condition: Condition, binding: Binding) -> Condition:
        match condition:
            case And(items):
                return And(tuple([await self._condition(item, binding) for item in items]))
            case Or(items):
                return Or(tuple([await self._condition(item, binding) for item in items]))
            case Not(item):
                return Not(await self._condition(item, binding))
            case Compare(path):
                return await self._compare(condition, path, binding)
            case Some(path, item):
                return await self._some(path, item, binding)
            case Every(path, item):
                return Not(await self._some(path, Not(item), binding))

    async def _compare(self, condition: Compare, path: Path, binding: Binding) -> Condition:
        crossing = self._crossing(binding, path)
        if crossing is None:
            return condition
        if condition.op is Op.IS_NULL and condition.value is True:
            return Not(await self._compare(Compare(path, Op.IS_NULL, False), path, binding))
        steps, _, target = crossing
        inner = Compare(path[steps:], condition.op, condition.value)
        return await self._referred(binding, path[:steps], target, inner)

    async def _some(self, path: Path, condition: Condition, binding: Binding) -> Condition:
        crossing = self._crossing(binding, path)
        if crossing is not None:
            steps, _, there = crossing
            return await self._referred(binding, path[:steps], there, Some(path[steps:], condition))
        owner = binding
        for name in path[:-1]:
            owner = self._target(owner, name)
        field, target = owner.schema.field(path[-1]), self._target(owner, path[-1])
        if field.form is ManyForm.BACK and target.schema.field(str(field.back)).kind is Kind.MANY:
            lists = await self._keys(target, condition, ((str(field.back),),))
            return _one_of(_key_paths(path[:-1], owner), tuple(dict.fromkeys(chain.from_iterable(lists))))
        if target.store is binding.store:
            return Some(path, await self._condition(condition, target))
        if field.form is ManyForm.BACK:
            back = (str(field.back),)
            keys = await self._keys(target, condition & Compare(back, Op.IS_NULL, False), (back,))
            return _one_of(_key_paths(path[:-1], owner), tuple(dict.fromkeys(keys)))
        return await self.holding(path, owner, target, await self._keys(target, condition, _key_paths((), target)))

    async def holding(self, path: Path, owner: Binding, target: Binding, keys: Sequence[Any]) -> Condition:
        """That the list at ``path``, kept by records of ``owner``, holds one of these keys of another store."""
        if not keys:
            return NEVER
        if {Feature.KEY_LISTS, Feature.MANY_CONDITIONS} <= owner.store.capabilities.features:
            return Some(path, _one_of(_key_paths((), target), tuple(keys)))
        wanted, paths = set(keys), (*_key_paths((), owner), path[-1:])
        rows = await self._keys(owner, ALWAYS, paths)
        found = tuple([row[0] if len(row) == 2 else row[:-1] for row in rows if not wanted.isdisjoint(row[-1] or ())])
        return _one_of(_key_paths(path[:-1], owner), found)

    async def _referred(self, binding: Binding, path: Path, target: Binding, condition: Condition) -> Condition:
        """That the reference at ``path`` leads to a record of another store that meets the condition."""
        keys = await self._keys(target, condition, tuple((name,) for name in target.schema.key))
        return Compare(path, Op.IN, keys) if keys else NEVER

    async def _keys(self, target: Binding, condition: Condition, projection: tuple[Path, ...]) -> tuple[Any, ...]:
        limit = target.semi_join_limit
        query: Query[Any] = Query(target.collection, ALWAYS & condition, max_rows=limit + 1, projection=projection)
        rows = await target.store.fetch(await self.localize(query, target))
        if len(rows) > limit:
            raise LimitExceeded(
                f"{target.collection} on the way into another store",
                limit,
                "narrow the condition or raise semi_join_limit",
            )
        return tuple(row[0] if len(row) == 1 else row for row in rows)


def _key_paths(before: Path, binding: Binding) -> tuple[Path, ...]:
    """The paths of a collection's key, behind a reference to it."""
    return tuple([(*before, name) for name in binding.schema.key])


def _one_of(paths: tuple[Path, ...], keys: tuple[Any, ...]) -> Condition:
    """That the values at these paths are together one of the keys."""
    if not keys:
        return NEVER
    if len(paths) == 1:
        return Compare(paths[0], Op.IN, keys)
    return Or(
        tuple([And(tuple(Compare(path, Op.EQ, part) for path, part in zip(paths, key, strict=True))) for key in keys])
    )
