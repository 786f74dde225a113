"""Sorts and projections that lead into other stores: keys and values are brought over, and put together here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import msgspec

from holdall.errors import LimitExceeded
from holdall.query import ALWAYS, AnyQuery, FieldSchema, Key, Kind, Path, Query, Schema, SortKey, is_formula, select
from holdall.session.binding import Binding
from holdall.session.references.explanation import Asked, Explanation
from holdall.session.references.key_conditions import chunks, having_keys
from holdall.session.references.locality import shown
from holdall.session.references.nested_conditions import is_inside
from holdall.session.references.semi_joins import SemiJoins
from holdall.store import Explaining, Row, Rows, StorePlan

__all__ = ["CrossStore", "plan_of"]


class CrossStore:
    """Answers queries whose condition is local already."""

    def __init__(self, semi_joins: SemiJoins) -> None:
        self._semi_joins = semi_joins

    async def fetch(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows the query means; LimitExceeded where too many would have to be sorted here."""
        if not self.sorts_away(query, binding):
            return await self._semi_joins.projecting.rows(query, binding)
        keys = await self.sorted_keys(query, binding)
        return await self.rows_of(keys, query, binding)

    def sorts_away(self, query: AnyQuery, binding: Binding) -> bool:
        """Whether the query sorts by what another store holds, or by what lies inside a value."""
        paths = [key.path for key in query.sort_keys]
        return any(self._semi_joins.leads_away(binding, path) is not None or is_inside(path) for path in paths)

    def shows_away(self, query: AnyQuery, binding: Binding) -> bool:
        """Whether the query projects what another store holds, or what lies inside a value."""
        shown = [path for path in query.projection if len(path) > 1 or path[0].__class__ is not str]
        return any(self._is_away(binding, path) or is_inside(path) for path in shown)

    async def explained(self, query: AnyQuery, binding: Binding, asked: list[Asked], *, analyze: bool) -> Explanation:
        """Explain the remaining steps of a query whose condition is local, by the store's own plan where it has one."""
        here = [
            f"{'.'.join(path)} is {'computed' if is_formula(path) else 'looked up'} for the rows found"
            for path in query.projection
            if self._is_away(binding, path) or is_inside(path)
        ]
        if not self.sorts_away(query, binding):
            there = msgspec.structs.replace(query, projection=self._own(query.projection, binding))
            plan = await plan_of(there, binding, analyze=analyze)
            return Explanation(tuple(asked), binding.store.name, shown(query), tuple(here), plan)
        keys = await self.sorted_keys(query, binding)
        sorts = ", ".join(".".join(key.path) for key in query.sort_keys)
        here.insert(0, f"sorted by {sorts} and cut to {len(keys)} rows")
        return Explanation(
            tuple(asked), binding.store.name, f"{query.collection} by key, {len(keys)} records", tuple(here)
        )

    def _own(self, projection: tuple[Path, ...], binding: Binding) -> tuple[Path, ...]:
        """The paths that the collection's own store is asked for; its key, where all of them lead away."""
        stays = [path for path in projection if not self._is_away(binding, path)]
        own = tuple(dict.fromkeys(self._semi_joins.projecting.stored_paths(stays, binding)))
        return own or tuple([(name,) for name in binding.schema.key] if projection else [])

    def _is_away(self, binding: Binding, path: Path) -> bool:
        return self._semi_joins.leads_away(binding, path) is not None

    async def stream(self, query: AnyQuery, binding: Binding, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch`` for a query that sorts across stores, ``batch`` at a time."""
        keys = await self.sorted_keys(query, binding)
        for start in range(0, len(keys), batch):
            yield await self.rows_of(keys[start : start + batch], query, binding)

    async def sorted_keys(self, query: AnyQuery, binding: Binding) -> list[Key]:
        """The keys of the rows the query means, in order. Raises LimitExceeded for more rows than are sorted here."""
        names, limit = binding.schema.key, binding.semi_join_limit
        paths = (*[(name,) for name in names], *[key.path for key in query.sort_keys])
        wanted: AnyQuery = Query(query.collection, query.condition, max_rows=limit + 1, projection=paths)
        rows = await self._semi_joins.projecting.rows(wanted, binding)
        self._semi_joins.note(binding, wanted, len(rows))
        if len(rows) > limit:
            raise LimitExceeded(
                f"{binding.collection} to be sorted by what another store holds",
                limit,
                "narrow the condition or raise semi_join_limit",
            )
        sort = tuple(
            [
                SortKey((f"v{place}",), key.descending, key.nulls)
                for place, key in enumerate(query.sort_keys, len(names))
            ]
        )
        chosen = tuple([(f"v{place}",) for place in range(len(names))])
        ordered: AnyQuery = Query("rows", ALWAYS, sort, query.max_rows, query.skip, query.position, chosen)
        found = select(ordered, rows, _Rows(len(paths), len(names)))
        return [row[0] if len(names) == 1 else row for row in found]

    async def rows_of(self, keys: Sequence[Key], query: AnyQuery, binding: Binding) -> Rows:
        """The rows with these keys, in their order, as the query projects them."""
        names = binding.schema.key
        shown = query.projection or tuple([(field.name,) for field in binding.schema.stored])
        paths = (*[(name,) for name in names], *shown)
        found: dict[Key, Row] = {}
        for part in chunks(binding, list(keys)):
            rows = await self._semi_joins.projecting.rows(
                Query(query.collection, having_keys(binding, part), projection=paths), binding
            )
            found.update((row[0] if len(names) == 1 else row[: len(names)], row[len(names) :]) for row in rows)
        return [found[key] for key in keys if key in found]


async def plan_of(query: AnyQuery, binding: Binding, *, analyze: bool) -> StorePlan | None:
    """The own plan of a collection's store for a query, None where the store makes none."""
    store = binding.store
    return await store.explain(query, analyze=analyze) if isinstance(store, Explaining) else None


class _Rows:
    """Rows by themselves, as ``select`` asks for the collections around them: there are none."""

    def __init__(self, count: int, keys: int) -> None:
        fields = tuple([FieldSchema(f"v{place}", Kind.STR, nullable=True) for place in range(count)])
        self.schemas = {"rows": Schema("rows", fields, tuple([f"v{place}" for place in range(keys)]))}

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        return {}.get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        return lambda key: ()
