"""Queries within queries: left to the store where it has both collections, else asked first, within a bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from holdall.errors import LimitExceeded, Unsupported
from holdall.policy import Right, User
from holdall.query import ALWAYS, NEVER, And, AnyQuery, Compare, Condition, Exists, Path, Query, is_formula, nodes
from holdall.query.term import formula_of
from holdall.query.within import equalities
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.key_conditions import any_of, one_of
from holdall.session.references.nested_conditions import is_inside
from holdall.session.references.projecting import Projecting
from holdall.session.references.visible_collections import VisibleCollections
from holdall.store import Feature, Rows

__all__ = ["Subqueries"]


class _SemiJoining(Protocol):
    """The semi-joins, as far as queries within queries need them."""

    @property
    def projecting(self) -> Projecting:
        """The part that asks for rows."""
        ...

    visible: VisibleCollections

    async def condition(self, condition: Condition, binding: Binding, around: Condition) -> Condition: ...
    async def rewrite(self, query: AnyQuery, binding: Binding) -> AnyQuery: ...
    def leads_away(self, binding: Binding, path: Path) -> tuple[int, Binding] | None: ...
    def note(self, binding: Binding, question: AnyQuery, number: int) -> None: ...


class Subqueries:
    """Answers ``Exists``; the user must be able to read the collection that is looked into."""

    def __init__(self, bindings: Bindings, user: User, asking: _SemiJoining) -> None:
        self._bindings = bindings
        self._user = user
        self._asking = asking

    async def answered(self, node: Exists, binding: Binding, around: Condition) -> Condition:
        """The condition as the store of ``binding`` can answer it.

        Raises LimitExceeded where too many rows would come over, Unsupported where records of two stores are compared
        otherwise than by equality.
        """
        target = self._bindings.of_query(node.query)
        target.policy.demand(Right.READ, self._user, target.collection)
        self._bindings.demand_ends(node.query, target, self._user)
        query = target.named(node.query)
        if self._is_there(node, query, binding, target):
            inner = await self._asking.rewrite(query, target)
            return Exists(inner, node.path)
        if node.path:
            rows = await self._rows(query, target)
            values = list(dict.fromkeys(row[0] for row in rows if row[0] is not None))
            return await self._asking.condition(any_of(node.path, values, binding), binding, around)
        return await self._joined(query, target, binding, around)

    def _is_there(self, node: Exists, query: AnyQuery, binding: Binding, target: Binding) -> bool:
        features = binding.store.capabilities.features
        if target.store is not binding.store or Feature.SUBQUERIES not in features:
            return False
        if not self._asking.visible.is_joined(binding, target, Feature.SUBQUERIES, asked=query.condition):
            return False
        own = [*([node.path] if node.path else []), *_around(query.condition)]
        inner = [*query.projection, *[key.path for key in query.sort_keys], *_compared(query.condition)]
        away = [self._asking.leads_away(binding, path) for path in own]
        away += [self._asking.leads_away(target, path) for path in inner]
        return not any(one is not None for one in away) and not any(map(is_inside, [*own, *inner]))

    async def _joined(self, query: AnyQuery, target: Binding, binding: Binding, around: Condition) -> Condition:
        """That a row is there, of which some values equal those of the record around."""
        pairs, rest = equalities(query.condition)
        condition = And(tuple(rest))
        if any(_around(condition)):
            raise Unsupported(
                binding.store.name,
                "exists() over two stores by other comparisons than =",
                f"say which records of {target.collection} are meant by == outer(...), and what else without outer()",
            )
        plain = Query[object](target.collection, condition, max_rows=query.max_rows, skip=query.skip)
        if not pairs:
            found = await self._rows(
                msgspec.structs.replace(plain, max_rows=query.skip + 1, skip=0), target, is_cut=True
            )
            return ALWAYS if len(found) > query.skip and query.max_rows != 0 else NEVER
        if query.skip or query.max_rows == 0:
            raise Unsupported(binding.store.name, "exists() over two stores with an offset or a limit of 0")
        asked = Query[object](target.collection, condition, projection=tuple([path for path, _ in pairs]))
        rows = [row for row in dict.fromkeys(await self._rows(asked, target)) if None not in row]
        paths = tuple([path for _, path in pairs])
        keys = tuple([row[0] if len(paths) == 1 else row for row in rows])
        wanted = any_of(paths[0], keys, binding) if len(paths) == 1 else one_of(paths, keys)
        return await self._asking.condition(wanted, binding, around)

    async def _rows(self, query: AnyQuery, target: Binding, *, is_cut: bool = False) -> Rows:
        limit = target.semi_join_limit
        bounded = query if query.max_rows is not None and query.max_rows <= limit else query.limit(limit + 1)
        projected = bounded if bounded.projection else bounded.only(*[(name,) for name in target.schema.key])
        local = await self._asking.rewrite(projected, target)
        rows = await self._fetched(local, target)
        self._asking.note(target, projected, len(rows))
        if len(rows) > limit and not is_cut:
            raise LimitExceeded(
                f"{target.collection} looked into by a query of another store",
                limit,
                "narrow the condition or raise semi_join_limit",
            )
        return rows

    async def _fetched(self, query: AnyQuery, target: Binding) -> Rows:
        if any(self._asking.leads_away(target, key.path) is not None for key in query.sort_keys):
            raise Unsupported(target.store.name, "a query within a query that is sorted by what another store holds")
        return await self._asking.projecting.rows(query, target)


def _around(condition: Condition) -> Iterable[Path]:
    """The paths of the record around that a condition speaks of."""
    for node in nodes(condition):
        if isinstance(node, Compare) and is_formula(node.path):
            yield from formula_of(node.path).outer


def _compared(condition: Condition) -> Iterable[Path]:
    """The formulas of a condition that speak of the record around: these cannot be computed here."""
    for node in nodes(condition):
        if isinstance(node, Compare) and is_formula(node.path) and formula_of(node.path).outer:
            yield node.path
