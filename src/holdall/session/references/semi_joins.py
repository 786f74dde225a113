"""Conditions that lead into another store: answered there first, and brought over as a bounded list of keys."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec

from holdall.errors import LimitExceeded, QueryError, Unsupported
from holdall.policy import Right, User
from holdall.query import (
    ALWAYS,
    NEVER,
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Key,
    Kind,
    ManyForm,
    Not,
    Op,
    Or,
    Path,
    Query,
    Some,
    both,
    format_query,
)
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.explanation import Asked
from holdall.store import Feature

__all__ = ["SemiJoins", "is_local", "shown"]

_SHOWN = 300
"""Characters of a query that are shown."""

_FEW = 500
"""Keys that are brought over without asking whether the other way would be shorter."""

_PART = 1_000
"""Keys in one question."""


def is_local(query: AnyQuery) -> bool:
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


class SemiJoins:
    """Rewrites a query so that its own store can answer it; the user must be able to read every collection on it."""

    def __init__(self, bindings: Bindings, user: User, asked: list[Asked] | None = None) -> None:
        self._bindings = bindings
        self._user = user
        self.asked = asked

    async def rewrite(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query with every condition on another store replaced by keys; its sort and projection stay.

        Raises LimitExceeded where too many keys would come over.
        """
        for path in (*(key.path for key in query.sort_keys), *query.projection):
            self.leads_away(binding, path)  # the user must be able to read all on the way
        condition = await self._condition(query.condition, binding, ALWAYS)
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

    def note(self, binding: Binding, question: AnyQuery, number: int) -> None:
        """Write down what a store was asked, and how many rows came."""
        if self.asked is not None:
            self.asked.append(Asked(binding.store.name, shown(question), number))

    def leads_away(self, binding: Binding, path: Path) -> tuple[int, Binding] | None:
        """After how many steps the path leaves the store, and where to; None if it stays."""
        found = self._crossing(binding, path)
        return None if found is None else (found[0], found[2])

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
            if not _is_joined(binding, target, Feature.RELATIONS):
                return number, current, target
            current = target
        return None

    async def _condition(self, condition: Condition, binding: Binding, around: Condition) -> Condition:
        """The condition as its store can answer it; ``around`` holds, too, of every row that matters."""
        match condition:
            case And(items):
                local = [item for item in items if is_local(Query(binding.collection, item))]
                around = both(around, And(tuple(local)))
                return And(tuple([await self._condition(item, binding, around) for item in items]))
            case Or(items):
                return Or(tuple([await self._condition(item, binding, around) for item in items]))
            case Not(item):
                return Not(await self._condition(item, binding, around))
            case Compare(path):
                return await self._compare(condition, path, binding, around)
            case Some(path, item):
                return await self._some(path, item, binding, around)
            case Every(path, item):
                return Not(await self._some(path, Not(item), binding, around))

    async def _compare(self, condition: Compare, path: Path, binding: Binding, around: Condition) -> Condition:
        crossing = self._crossing(binding, path)
        if crossing is None:
            return condition
        if condition.op is Op.IS_NULL and condition.value is True:
            return Not(await self._compare(Compare(path, Op.IS_NULL, False), path, binding, around))
        steps, _, target = crossing
        inner = Compare(path[steps:], condition.op, condition.value)
        return await self._referred(binding, path[:steps], target, inner, around)

    async def _some(self, path: Path, condition: Condition, binding: Binding, around: Condition) -> Condition:
        crossing = self._crossing(binding, path)
        if crossing is not None:
            steps, _, there = crossing
            return await self._referred(binding, path[:steps], there, Some(path[steps:], condition), around)
        owner = binding
        for name in path[:-1]:
            owner = self._target(owner, name)
        field, target = owner.schema.field(path[-1]), self._target(owner, path[-1])
        if field.form is ManyForm.BACK and target.schema.field(str(field.back)).kind is Kind.MANY:
            lists = await self._keys(target, condition, ((str(field.back),),))
            return _one_of(_key_paths(path[:-1], owner), tuple(dict.fromkeys(chain.from_iterable(lists))))
        if _is_joined(binding, target, Feature.MANY_CONDITIONS):
            return Some(path, await self._condition(condition, target, ALWAYS))
        if field.form is ManyForm.BACK:
            back = (str(field.back),)
            keys = await self._keys(target, condition & Compare(back, Op.IS_NULL, False), (back,))
            return _one_of(_key_paths(path[:-1], owner), tuple(dict.fromkeys(keys)))
        return await self.holding(path, owner, target, await self._keys(target, condition, _key_paths((), target)))

    async def holding(self, path: Path, owner: Binding, target: Binding, keys: Sequence[Key]) -> Condition:
        """That the list at ``path``, kept by records of ``owner``, holds one of these keys of another store."""
        if not keys:
            return NEVER
        if {Feature.KEY_LISTS, Feature.MANY_CONDITIONS} <= owner.store.capabilities.features:
            return Some(path, _one_of(_key_paths((), target), tuple(keys)))
        wanted, paths = set(keys), (*_key_paths((), owner), path[-1:])
        rows = await self._keys(owner, ALWAYS, paths)
        found = tuple([row[0] if len(row) == 2 else row[:-1] for row in rows if not wanted.isdisjoint(row[-1] or ())])
        return _one_of(_key_paths(path[:-1], owner), found)

    async def _referred(
        self, binding: Binding, path: Path, target: Binding, condition: Condition, around: Condition
    ) -> Condition:
        """That the reference at ``path`` leads to a record of another store that meets the condition.

        The other store is asked first. Where it has more than a few such records and this store fewer that matter, it
        is asked about those that these refer to.
        """
        wanted = await self.rewrite(Query(target.collection, ALWAYS & condition), target)
        few = min(_FEW, target.semi_join_limit)
        keys = await self._first_keys(wanted, target, few)
        if len(keys) > few:
            own: AnyQuery = Query(binding.collection, around)
            if target.count is not None and binding.count is not None:
                number, others = await binding.count(own), await target.count(wanted)
            else:
                number, others = binding.semi_join_limit, 0
            if number < others and number <= binding.semi_join_limit:
                return await self._from_here(binding, own, path, target, wanted)
            keys = await self._first_keys(wanted, target, target.semi_join_limit)
            self._demand_few(target, len(keys))
        return _any_of(path, keys, binding)

    async def _from_here(
        self, binding: Binding, own: AnyQuery, path: Path, target: Binding, wanted: AnyQuery
    ) -> Condition:
        """The same, by way of the records that matter here: which of those they refer to meet the condition."""
        rows = await binding.store.fetch(own.only(path))
        self.note(binding, own.only(path), len(rows))
        referred = [key for key in dict.fromkeys(row[0] for row in rows) if key is not None]
        paths, keys = _key_paths((), target), list[Any]()
        for start in range(0, len(referred), _PART):
            part = tuple(referred[start : start + _PART])
            narrowed = msgspec.structs.replace(wanted, condition=both(_one_of(paths, part), wanted.condition))
            keys += await self._first_keys(narrowed, target, len(part))
        return _any_of(path, keys, binding)

    async def _first_keys(self, query: AnyQuery, binding: Binding, number: int) -> list[Key]:
        """Return at most ``number`` + 1 keys of records that the query finds."""
        rows = await binding.store.fetch(query.limit(number + 1).only(*_key_paths((), binding)))
        self.note(binding, query, len(rows))
        return [row[0] if len(row) == 1 else row for row in rows]

    async def _keys(self, target: Binding, condition: Condition, projection: tuple[Path, ...]) -> tuple[Key, ...]:
        limit = target.semi_join_limit
        query: AnyQuery = Query(target.collection, ALWAYS & condition, max_rows=limit + 1, projection=projection)
        rows = await target.store.fetch(await self.rewrite(query, target))
        self.note(target, query, len(rows))
        self._demand_few(target, len(rows))
        return tuple(row[0] if len(row) == 1 else row for row in rows)

    def _demand_few(self, target: Binding, number: int) -> None:
        if number > target.semi_join_limit:
            raise LimitExceeded(
                f"{target.collection} on the way into another store",
                target.semi_join_limit,
                "narrow the condition or raise semi_join_limit",
            )


def shown(query: AnyQuery) -> str:
    """A query as text, of a length that can be looked at."""
    try:
        text = format_query(query)
    except (QueryError, LimitExceeded):
        return f"{query.collection} where …"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _is_joined(binding: Binding, target: Binding, feature: Feature) -> bool:
    """Whether the store itself answers for what leads from one to the other."""
    return target.store is binding.store and feature in binding.store.capabilities.features


def _any_of(path: Path, keys: Sequence[Key], binding: Binding) -> Condition:
    """That the reference leads to one of these, in lists its store takes."""
    size = binding.store.capabilities.limits.in_values
    lists = [Compare(path, Op.IN, tuple(keys[start : start + size])) for start in range(0, len(keys), size)]
    return NEVER if not lists else lists[0] if len(lists) == 1 else Or(tuple(lists))


def _key_paths(before: Path, binding: Binding) -> tuple[Path, ...]:
    """The paths of a collection's key, behind a reference to it."""
    return tuple([(*before, name) for name in binding.schema.key])


def _one_of(paths: tuple[Path, ...], keys: tuple[Key, ...]) -> Condition:
    """That the values at these paths are together one of the keys."""
    if not keys:
        return NEVER
    if len(paths) == 1:
        return Compare(paths[0], Op.IN, keys)
    return Or(
        tuple([And(tuple(Compare(path, Op.EQ, part) for path, part in zip(paths, key, strict=True))) for key in keys])
    )
