"""Conditions that lead into another store: answered there first, and brought over as a bounded list of keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import msgspec

from holdall.errors import Unsupported
from holdall.policy import SYSTEM, Right, User, all_of
from holdall.query import (
    ALWAYS,
    NEVER,
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Exists,
    Key,
    Kind,
    ManyForm,
    Not,
    Op,
    Or,
    Path,
    Query,
    Some,
    Stated,
    both,
    is_formula,
    paths_behind,
)
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.explanation import Asked
from holdall.session.references.guarded_access import prefixed
from holdall.session.references.key_conditions import any_of, can_page, demand_few, key_paths, one_of
from holdall.session.references.locality import is_local, shown
from holdall.session.references.nested_conditions import compared_inside, holders, is_inside
from holdall.session.references.projecting import Projecting
from holdall.session.references.row_predicate import has_judgement
from holdall.session.references.subqueries import Subqueries
from holdall.session.references.visible_collections import VisibleCollections
from holdall.store import Feature, Store, StoreTransaction

__all__ = ["SemiJoins", "visible_to"]

_Crossing = tuple[int, Binding, Binding]
_FEW = 500  # keys that are brought over without asking whether the other way would be shorter
_PART = 1_000  # keys in one question


class SemiJoins:
    """Rewrites a query so that its own store can answer it; the user must be able to read every collection on it.

    ``is_living`` leaves deleted records out, for users; the upkeep of references sees them.
    """

    def __init__(
        self,
        bindings: Bindings,
        user: User,
        asked: list[Asked] | None = None,
        *,
        joins: bool = True,
        is_living: bool = False,
    ) -> None:
        self._bindings = bindings
        self._user = user
        self.asked = asked
        self.visible = visible_to(bindings, user, joins=joins, is_living=is_living)

    @property
    def projecting(self) -> Projecting:
        """The part that asks for rows; not kept, as it knows this object: nothing is left to the garbage collector."""
        return Projecting(self._bindings, self.access, self.leads_away, self.note)

    async def rewrite(self, query: AnyQuery, binding: Binding) -> AnyQuery:
        """The query with every condition on another store replaced by keys; its sort and projection stay.

        Raises LimitExceeded where too many keys would come over.
        """
        for path in (*(key.path for key in query.sort_keys), *query.projection):
            self.leads_away(binding, path)  # the user must be able to read all on the way
        condition = await self.condition(query.condition, binding, ALWAYS)
        return msgspec.structs.replace(query, condition=condition, grouping=None)

    def access(self, binding: Binding) -> Store | StoreTransaction:
        """The one that answers queries of a collection, by the records that the user may read."""
        return self.visible.access(binding)

    def counting(self, binding: Binding) -> Callable[[AnyQuery], Awaitable[int]] | None:
        """The function that counts visible records of a collection; None where nothing does."""
        return self.visible.counting(binding)

    def note(self, binding: Binding, question: AnyQuery, number: int) -> None:
        """Write down what a store was asked, and how many rows came."""
        if self.asked is not None:
            self.asked.append(Asked(binding.store.name, shown(question), number))

    def leads_away(self, binding: Binding, path: Path) -> tuple[int, Binding] | None:
        """After how many steps the path leaves the store, and where to; None if it stays.

        A formula that the store cannot compute, or that needs what another holds, leaves it at once and comes back.
        """
        if is_formula(path):
            crossed = [self._crossing(binding, inner) or is_inside(inner) for inner in paths_behind(path)]
            is_there = not any(crossed) and Feature.EXPRESSIONS in binding.store.capabilities.features
            return None if is_there else (0, binding)
        found = self._crossing(binding, path)
        return None if found is None else (found[0], found[2])

    def _target(self, binding: Binding, name: str) -> Binding:
        field = binding.schema.field(name)
        if field.target is None:
            raise Unsupported(binding.store.name, f"a path through {name}, which is no reference")
        target = self._bindings.of_name(field.target)
        target.policy.demand(Right.READ, self._user, target.collection)
        return target

    def _crossing(self, binding: Binding, path: Path, rules: list[Condition] | None = None) -> _Crossing | None:
        """How many steps of the path stay in the store, where they end and where the next leads; None if all stay.

        Rules for what is on the way are added to ``rules``, as conditions on the beginning of the path.
        """
        current = binding
        for number, name in enumerate(path[:-1], 1):
            target, own = self._target(current, name), None if rules is None else list[Condition]()
            asked = Compare(path[number : number + 1], Op.EQ, None)
            if not self.visible.is_joined(binding, target, Feature.RELATIONS, own, asked, name):
                return number, current, target
            if rules is not None:
                rules += [prefixed(rule, path[:number]) for rule in own or ()]
            current = target
        return None

    async def condition(self, condition: Condition, binding: Binding, around: Condition) -> Condition:
        """The condition as its store can answer it; ``around`` holds, too, of every row that matters."""
        match condition:
            case And(items):
                local = [item for item in items if is_local(Query(binding.collection, item))]
                around = both(around, And(tuple(local)))
                return And(tuple([await self.condition(item, binding, around) for item in items]))
            case Or(items):
                return Or(tuple([await self.condition(item, binding, around) for item in items]))
            case Not(item):
                return Not(await self.condition(item, binding, around))
            case Compare(path):
                return await self._compare(condition, path, binding, around)
            case Stated():
                return condition
            case Some(path, item):
                return await self._some(path, item, binding, around)
            case Every(path, item):
                return Not(await self._some(path, Not(item), binding, around))
            case Exists():
                return await Subqueries(self._bindings, self._user, self).answered(condition, binding, around)

    async def _compare(self, condition: Compare, path: Path, binding: Binding, around: Condition) -> Condition:
        if is_formula(path):
            is_there = self.leads_away(binding, path) is None
            return condition if is_there else await self._computed(condition, binding, around)
        rules: list[Condition] = []
        crossing = self._crossing(binding, path, rules)
        if (crossing or rules) and condition.op is Op.IS_NULL and condition.value is True:
            return Not(await self._compare(Compare(path, Op.IS_NULL, False), path, binding, around))
        if crossing is None:
            found: Condition = condition
            if is_inside(path):
                asked = compared_inside(self._bindings, binding, condition)
                found = await self._compare(asked, asked.path, binding, around)
            return And((found, *rules)) if rules else found
        steps, _, target = crossing
        inner = Compare(path[steps:], condition.op, condition.value)
        referred = await self._referred(binding, path[:steps], target, inner, around)
        return And((referred, *rules)) if rules else referred

    async def _computed(self, condition: Compare, binding: Binding, around: Condition) -> Condition:
        """The keys of the records of which a formula, computed here, meets the comparison."""
        limit, keys = binding.semi_join_limit, key_paths((), binding)
        paths = tuple(dict.fromkeys((*keys, *paths_behind(condition.path))))
        asked: AnyQuery = Query(binding.collection, around, max_rows=limit + 1, projection=paths)
        projecting = self.projecting
        rows = await projecting.rows(asked, binding)
        self.note(binding, asked, len(rows))
        demand_few(binding, len(rows))
        found = filter(projecting.columns(binding, paths).meets(condition), rows)
        return one_of(keys, tuple([row[0] if len(keys) == 1 else row[: len(keys)] for row in found]))

    async def _some(self, path: Path, condition: Condition, binding: Binding, around: Condition) -> Condition:
        rules: list[Condition] = []
        crossing = self._crossing(binding, path, rules)
        found = await self._some_there(path, condition, binding, around, crossing)
        return And((found, *rules)) if rules else found

    async def _some_there(
        self, path: Path, condition: Condition, binding: Binding, around: Condition, crossing: _Crossing | None
    ) -> Condition:
        if crossing is not None:
            steps, _, there = crossing
            return await self._referred(binding, path[:steps], there, Some(path[steps:], condition), around)
        owner = binding
        for name in path[:-1]:
            owner = self._target(owner, name)
        field, target = owner.schema.field(path[-1]), self._target(owner, path[-1])
        if field.form is ManyForm.BACK and target.schema.field(str(field.back)).kind is Kind.MANY:
            lists = await self._keys(target, condition, ((str(field.back),),))
            return one_of(key_paths(path[:-1], owner), tuple(dict.fromkeys(chain.from_iterable(lists))))
        own, reference = list[Condition](), str(field.back) if field.form is ManyForm.BACK else path[-1]
        if self.visible.is_joined(binding, target, Feature.MANY_CONDITIONS, own, condition, reference):
            return Some(path, all_of([await self.condition(condition, target, ALWAYS), *own]))
        if field.form is ManyForm.BACK:
            back = (str(field.back),)
            keys = await self._keys(target, condition & Compare(back, Op.IS_NULL, False), (back,))
            return one_of(key_paths(path[:-1], owner), tuple(dict.fromkeys(keys)))
        return await self.holding(path, owner, target, await self._keys(target, condition, key_paths((), target)))

    async def holding(self, path: Path, owner: Binding, target: Binding, keys: Sequence[Key]) -> Condition:
        """That the list at ``path``, kept by records of ``owner``, holds one of these keys of another store."""
        if not keys:
            return NEVER
        if {Feature.KEY_LISTS, Feature.MANY_CONDITIONS} <= owner.store.capabilities.features and not is_inside(path):
            return Some(path, one_of(key_paths((), target), tuple(keys)))
        if is_inside(path) and can_page(owner):
            looked = holders(self.projecting, owner, path[-1:], set(keys))
            return one_of(key_paths(path[:-1], owner), await looked)
        wanted, paths = set(keys), (*key_paths((), owner), path[-1:])
        rows = await self._keys(owner, ALWAYS, paths)
        found = tuple([row[0] if len(row) == 2 else row[:-1] for row in rows if not wanted.isdisjoint(row[-1] or ())])
        return one_of(key_paths(path[:-1], owner), found)

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
            here, there = self.counting(binding), self.counting(target)
            if here is not None and there is not None:
                number, others = await here(own), await there(wanted)
            else:
                number, others = binding.semi_join_limit, 0
            if number < others and number <= binding.semi_join_limit:
                keys = await self._from_here(binding, own, path, target, wanted)
            else:
                keys = await self._first_keys(wanted, target, target.semi_join_limit)
                demand_few(target, len(keys))
        found = any_of(path, keys, binding)
        return await self.condition(found, binding, around) if is_inside(path) else found

    async def _from_here(
        self, binding: Binding, own: AnyQuery, path: Path, target: Binding, wanted: AnyQuery
    ) -> list[Key]:
        """By way of the records that matter here: the keys of those they refer to that meet the condition."""
        rows = await self.projecting.rows(own.only(path), binding)
        self.note(binding, own.only(path), len(rows))
        referred = [key for key in dict.fromkeys(row[0] for row in rows) if key is not None]
        paths, keys = key_paths((), target), list[Any]()
        for start in range(0, len(referred), _PART):
            part = tuple(referred[start : start + _PART])
            narrowed = msgspec.structs.replace(wanted, condition=both(one_of(paths, part), wanted.condition))
            keys += await self._first_keys(narrowed, target, len(part))
        return keys

    async def _first_keys(self, query: AnyQuery, binding: Binding, number: int) -> list[Key]:
        """Return at most ``number`` + 1 keys of records that the query finds."""
        rows = await self.access(binding).fetch(query.limit(number + 1).only(*key_paths((), binding)))
        self.note(binding, query, len(rows))
        return [row[0] if len(row) == 1 else row for row in rows]

    async def _keys(self, target: Binding, condition: Condition, projection: tuple[Path, ...]) -> tuple[Key, ...]:
        limit = target.semi_join_limit
        query: AnyQuery = Query(target.collection, ALWAYS & condition, max_rows=limit + 1, projection=projection)
        rows = await self.projecting.rows(await self.rewrite(query, target), target)
        self.note(target, query, len(rows))
        demand_few(target, len(rows))
        return tuple(row[0] if len(row) == 1 else row for row in rows)


def visible_to(bindings: Bindings, user: User, *, joins: bool = True, is_living: bool = False) -> VisibleCollections:
    """The collections as a user sees them, with deleted records unless ``is_living``."""
    return VisibleCollections(bindings, user, partial(_answered, bindings), is_joining=joins, is_living=is_living)


async def _answered(bindings: Bindings, binding: Binding, rule: Condition) -> Condition:
    """A rule, which the program itself has given, as the store of its collection can answer it."""
    trusted = SemiJoins(bindings, SYSTEM, joins=not has_judgement(rule))
    return await trusted.condition(rule, binding, ALWAYS)
