"""A collection as a user may see it: whatever is asked of it, its store is asked for the visible records alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from holdall.errors import LimitExceeded, Unsupported
from holdall.query import (
    ALWAYS,
    And,
    AnyQuery,
    Compare,
    Condition,
    Not,
    Or,
    Path,
    Query,
    Table,
    Value,
    both,
    evaluate,
    is_formula,
    nodes,
    replace,
)
from holdall.query import count as counted
from holdall.session.binding import Binding
from holdall.session.references.locality import is_local
from holdall.session.references.row_predicate import has_judgement, row_predicate
from holdall.store import Feature, Rows, demand_query

__all__ = ["Apart", "GuardedAccess", "can_push", "guarded_by", "names_field", "prefixed"]


class Apart(msgspec.Struct, frozen=True):
    """Another rule, for queries whose condition names ``field``; without ``guarded``, their store answers them."""

    field: str
    guarded: GuardedAccess | None


class GuardedAccess:
    """Answers queries of one collection for a user who sees those of its records that meet ``rule``.

    The rule becomes part of the store's query. Where the store cannot ask it, all records that might be meant are read
    within ``semi_join_limit``, and the query is answered here, so that pages and counts are right. ``counting`` is how
    the store counts by itself, if it does. ``answered`` turns a rule that leads into other collections into one that
    its store can answer.
    """

    def __init__(
        self,
        binding: Binding,
        access: Value,
        counting: Callable[[AnyQuery], Awaitable[int]] | None,
        rule: Condition,
        answered: Callable[[Condition], Awaitable[Condition]],
        apart: Apart | None = None,
    ) -> None:
        self._apart = apart
        self._binding = binding
        self._access = access
        self._counting = counting
        self._rule = rule
        self._answered = answered
        self._stays = is_local(Query(binding.collection, rule))
        self._local: Condition | None = rule if self._stays else None
        self.is_pushed = can_push(binding, rule)  # whether the store itself can see to the rule
        self.is_counting = counting is not None or not self.is_pushed

    def _can_push(self, local: Condition) -> bool:
        return self.is_pushed if local is self._rule else can_push(self._binding, local)

    @property
    def own_rule(self) -> Condition:
        """The rule as it was given."""
        return self._rule

    @property
    def can_be_prefixed(self) -> bool:
        """Whether the rule, as it was given, can be a part of the condition of another collection in the same store."""
        return self._stays and self.is_pushed and not any(map(_is_computed, nodes(self._rule)))

    def for_condition(self, condition: Condition) -> GuardedAccess | None:
        """The access by the rule that counts where this is asked; None where none does."""
        apart = self._apart
        return self if apart is None or not names_field(condition, apart.field) else apart.guarded

    async def rule(self) -> Condition:
        """The rule as its store can answer it."""
        if self._local is None:
            self._local = await self._answered(self._rule)
        return self._local

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows that the query means, of visible records."""
        other = self.for_condition(query.condition)
        if other is not self:
            return await (self._access if other is None else other).fetch(query)
        local = await self.rule()
        if self._can_push(local):
            try:
                return await self._access.fetch(self._guarded(query, local))  # type: ignore[no-any-return]
            except Unsupported:  # stores of several services learn only then what one of them cannot
                pass
        return evaluate(query, await self._visible(query, local))

    async def count(self, query: AnyQuery) -> int:
        """How many visible records meet the query's condition."""
        other = self.for_condition(query.condition)
        if other is not self:
            return await (self._access if other is None else other).count(query)
        local = await self.rule()
        if self._can_push(local) and self._counting is not None:
            try:
                return await self._counting(self._guarded(query, local))
            except Unsupported:
                pass
        return counted(query, await self._visible(query, local))

    async def guarded(self, query: AnyQuery) -> AnyQuery:
        """The query with the rule in it. Raises Unsupported where the store cannot ask it."""
        other = self.for_condition(query.condition)
        if other is not self:
            return query if other is None else await other.guarded(query)
        local = await self.rule()
        if not self._can_push(local):
            raise Unsupported(self._binding.store.name, "the rule for reading", "it is decided record by record")
        return self._guarded(query, local)

    def _guarded(self, query: AnyQuery, local: Condition) -> AnyQuery:
        return guarded_by(local, query)

    async def _visible(self, query: AnyQuery, local: Condition) -> dict[str, Table]:
        """The visible records among those that the query's condition means, as the only ones of the collection.

        Raises LimitExceeded where too many would have to be read.
        """
        binding = self._binding
        items = local.items if isinstance(local, And) else (local,)
        narrowed = query.condition
        for item in items:
            if can_push(binding, item):
                narrowed = both(narrowed, item)
        limit = binding.semi_join_limit
        try:
            rows = await self._access.fetch(Query(binding.collection, narrowed, max_rows=limit + 1))
        except Unsupported:
            rows = await self._access.fetch(Query(binding.collection, query.condition, max_rows=limit + 1))
        if len(rows) > limit:
            raise LimitExceeded(
                f"{binding.collection} of which store {binding.store.name!r} cannot tell who may read them",
                limit,
                "give the right by a condition that the store can ask, or raise semi_join_limit",
            )
        return {binding.collection: Table(binding.schema, list(filter(row_predicate(local, binding), rows)))}


def guarded_by(rule: Condition, query: AnyQuery) -> AnyQuery:
    """The query for those of the records it means that meet a rule. The values of the rule stand behind those of the
    query's own condition.
    """
    return msgspec.structs.replace(query, condition=both(query.condition, rule))


def prefixed(rule: Condition, path: Path) -> Condition:
    """A rule that stays in its collection, of the record that a path leads to."""

    def moved(node: Condition) -> Condition:
        return Compare((*path, *node.path), node.op, node.value) if isinstance(node, Compare) else node

    return replace(rule, moved)


def names_field(condition: Condition, field: str) -> bool:
    """Whether a condition compares this field of its own collection."""
    if isinstance(condition, And | Or):
        return any(names_field(item, field) for item in condition.items)
    if isinstance(condition, Not):
        return names_field(condition.item, field)
    return isinstance(condition, Compare) and condition.path == (field,)


def _is_computed(node: Condition) -> bool:
    return isinstance(node, Compare) and is_formula(node.path)


def can_push(binding: Binding, rule: Condition) -> bool:
    """Whether the store of a collection can answer a rule that stays in the collection, or may have to be asked first
    for one that does not.
    """
    if has_judgement(rule):
        return False
    query: AnyQuery = Query(binding.collection, rule)
    if Feature.FILTER not in binding.store.capabilities.features:
        return rule == ALWAYS
    if not is_local(query):
        return True
    try:
        demand_query(binding.store.name, binding.store.capabilities, query)
    except Unsupported:
        return False
    return True
