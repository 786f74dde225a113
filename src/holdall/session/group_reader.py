"""Queries of groups: answered by the collection's store, or here, of the rows that it gives, within a bound."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

import msgspec

from holdall.errors import LimitExceeded
from holdall.policy import Right, User
from holdall.query import (
    ALWAYS,
    Aggregate,
    AnyQuery,
    Function,
    Grouping,
    GroupPlan,
    Path,
    Query,
    Schema,
    Value,
    check,
    leads_on,
)
from holdall.query.columns import grouping_of
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.projection import decoded_by, decoder_of
from holdall.session.references.cross_store import CrossStore, plan_of
from holdall.session.references.explanation import Asked, Explanation
from holdall.session.references.locality import is_local, shown
from holdall.session.references.nested_conditions import is_inside
from holdall.session.references.semi_joins import SemiJoins
from holdall.store import Feature, Rows

__all__ = ["GroupReader"]


_REMEMBERED = 1000
_Decoders = tuple[Callable[[Value], Value] | None, ...]


class _Planned(NamedTuple):
    """All that queries of groups have in common which group, aggregate and show the same."""

    plan: GroupPlan
    decoders: _Decoders


class GroupReader(msgspec.Struct, frozen=True):
    """Answers queries of groups; the user must be able to read every collection that they look into."""

    bindings: Bindings
    user: User

    async def query(self, query: AnyQuery) -> Rows:
        """The rows that the query means, with values as the model has them."""
        binding = self.bindings.of_query(query)
        query, planned = self._planned(query, binding)
        rows = await self._rows(query, binding, planned, SemiJoins(self.bindings, self.user, is_living=True))
        return decoded_by(planned.decoders, binding, query, rows) if planned.decoders else rows

    async def explain(self, query: AnyQuery, *, analyze: bool) -> Explanation:
        """Send the queries that come before, and explain them; the query itself is sent only to ``analyze`` it."""
        binding, asked = self.bindings.of_query(query), list[Asked]()
        query, planned = self._planned(query, binding)
        self._check(query)
        plan = planned.plan
        self.bindings.demand_whole(query, binding, self.user)
        semi_joins = SemiJoins(self.bindings, self.user, asked, is_living=True)
        is_there = self._is_there(binding, plan, semi_joins)
        local = await _local(query, binding, semi_joins)
        if is_there:
            own = await plan_of(local, binding, analyze=analyze)
            return Explanation(tuple(asked), binding.store.name, shown(local), plan=own)
        left = CrossStore(semi_joins).explained(_read(local, binding, plan), binding, asked, analyze=analyze)
        explained = await left
        return msgspec.structs.replace(explained, here=(*explained.here, "rows are grouped and aggregated"))

    def _planned(self, query: AnyQuery, binding: Binding) -> tuple[AnyQuery, _Planned]:
        """The query under its collection's name here, and the plan for all that group, aggregate and show the same."""
        binding.policy.demand(Right.READ, self.user, binding.collection)
        self.bindings.demand_ends(query, binding, self.user)
        named, grouping = binding.named(query), grouping_of(query)
        kind, known = (named.collection, grouping.by, grouping.aggregates, named.projection), self.bindings.group_plans
        found: _Planned | None = known.get(kind)
        if found is None:
            self._check(named)
            if len(known) >= _REMEMBERED:
                known.clear()
            plan = GroupPlan(named, self._schemas())
            found = known[kind] = _Planned(plan, self._decoders(named, grouping, binding))
        return named, found

    def _schemas(self) -> dict[str, Schema]:
        return {each.collection: each.schema for each in self.bindings}

    def _check(self, query: AnyQuery) -> None:
        check(query, self._schemas())

    def _is_there(self, binding: Binding, plan: GroupPlan, semi_joins: SemiJoins) -> bool:
        """Whether the store itself makes the groups."""
        ways = [path for path in plan.paths if leads_on(path) or path[0].__class__ is not str]
        away = [
            each for each in ways if semi_joins.leads_away(binding, each) or is_inside(each)
        ]  # asks for rights, too
        return not away and Feature.AGGREGATES in binding.store.capabilities.features

    async def _rows(self, query: AnyQuery, binding: Binding, planned: _Planned, semi_joins: SemiJoins) -> Rows:
        plan = planned.plan
        is_there = self._is_there(binding, plan, semi_joins)
        if not (is_there and is_local(Query(query.collection, query.condition))):  # else its store checks it
            self._check(query)
        local = await _local(query, binding, semi_joins)
        if is_there:
            return await semi_joins.access(binding).fetch(local)
        counting = semi_joins.counting(binding)
        if plan.base == (Aggregate(Function.ROWS),) and not plan.by and counting is not None:
            return plan.finish(query, [(await counting(Query(local.collection, local.condition)),)])
        wanted, limit = _read(local, binding, plan), binding.semi_join_limit
        rows = await CrossStore(semi_joins).fetch(wanted, binding)
        if len(rows) > limit:
            raise LimitExceeded(
                f"{binding.collection} to be grouped here, as store {binding.store.name!r} cannot",
                limit,
                "narrow the condition or raise semi_join_limit",
            )
        paths = wanted.projection or tuple([(field.name,) for field in binding.schema.stored])
        places = {path: place for place, path in enumerate(paths)}
        return plan.finish(query, plan.group(rows, lambda path: itemgetter(places[path])))

    def _decoders(self, query: AnyQuery, grouping: Grouping, binding: Binding) -> _Decoders:
        """The functions from what columns have to what the model has, in the order of the projection; empty if none is
        needed.
        """
        kept: dict[Path, Path] = {path: path for path in grouping.by}
        kept |= {
            (aggregate.name,): aggregate.path
            for aggregate in grouping.aggregates
            if aggregate.function in (Function.MIN, Function.MAX)
        }
        found = [decoder_of(self.bindings, binding, kept[path]) if path in kept else None for path in query.projection]
        return tuple(found) if any(found) else ()


async def _local(query: AnyQuery, binding: Binding, semi_joins: SemiJoins) -> AnyQuery:
    """The query with a condition that its store can answer."""
    if query.condition == ALWAYS:
        return query
    asked: AnyQuery = Query(query.collection, query.condition)
    return msgspec.structs.replace(query, condition=(await semi_joins.rewrite(asked, binding)).condition)


def _read(query: AnyQuery, binding: Binding, plan: GroupPlan) -> AnyQuery:
    """The query for the rows to be grouped, one more than there may be."""
    names = tuple([(name,) for name in binding.schema.key])
    paths = tuple(plan.paths) or names
    if Feature.PROJECTION not in binding.store.capabilities.features and not any(
        len(path) > 1 or path[0].__class__ is not str for path in paths
    ):
        paths = ()
    return Query(query.collection, query.condition, max_rows=binding.semi_join_limit + 1, projection=paths)
