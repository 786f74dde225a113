"""The records that relation paths of a query lead to, read hop by hop: the ``Lookup`` of one fetch.

The records of the query's own collection are read at one instant, those behind references right after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from holdall.query import (
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Key,
    ManyForm,
    Not,
    Or,
    Path,
    Schema,
    Some,
    paths_behind,
)
from holdall.store import Row, Rows
from holdall.stores.redis.access import Access, referring
from holdall.stores.redis.asked import ByKeys
from holdall.stores.redis.layout import Layout

__all__ = ["Related"]


class Reads(Protocol):
    """The reading side of a store, as far as related records need it."""

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        ...

    def layout(self, collection: str) -> Layout:
        """Where a collection lies."""
        ...

    async def rows(self, layout: Layout, access: Access) -> Rows:
        """The rows that are found this way."""
        ...


class Related:
    """Rows of other collections by key and by what they refer to."""

    def __init__(self, reader: Reads) -> None:
        self._reader = reader
        self.schemas = reader.schemas
        self._by_key: dict[str, dict[Key, Row | None]] = {}
        self._referring: dict[tuple[str, str], dict[Key, list[Row]]] = {}

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        """A function from a key to the row that has it, or None."""
        return self._by_key.setdefault(collection, {}).get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        """A function from a key to the rows of the collection whose Ref ``field`` is that key."""
        index = self._referring.setdefault((collection, field), {})
        return lambda key: index.get(key, ())

    async def gather(self, query: AnyQuery, rows: Sequence[Row]) -> None:
        """Read whatever the query's paths lead to from these rows."""
        schema = self.schemas[query.collection]
        await self._condition(query.condition, schema, rows)
        for path in (*(key.path for key in query.sort_keys), *query.projection):
            await self._follow_all(path, schema, rows)

    async def _condition(self, condition: Condition, schema: Schema, rows: Sequence[Row]) -> None:
        if isinstance(condition, Compare):
            await self._follow_all(condition.path, schema, rows)
        elif isinstance(condition, And | Or):
            for item in condition.items:
                await self._condition(item, schema, rows)
        elif isinstance(condition, Not):
            await self._condition(condition.item, schema, rows)
        elif isinstance(condition, Some | Every):
            members = await self._members(condition, schema, rows)
            if members is not None:
                await self._condition(condition.condition, *members)

    async def _follow_all(self, path: Path, schema: Schema, rows: Sequence[Row]) -> None:
        for each in paths_behind(path):
            await self._follow(each, schema, rows)

    async def _follow(self, path: Path, schema: Schema, rows: Sequence[Row]) -> tuple[Schema, Sequence[Row]]:
        """The rows at the last reference of the path."""
        for name in path[:-1]:
            place, target = schema.positions[name], str(schema.by_name[name].target)
            rows = await self._with_keys(target, {row[place] for row in rows if row[place] is not None})
            schema = self.schemas[target]
        return schema, rows

    async def _members(
        self, node: Some | Every, schema: Schema, rows: Sequence[Row]
    ) -> tuple[Schema, Sequence[Row]] | None:
        """The records of a Many; None where they are in another store, and so seen as their keys alone."""
        owner, holders = await self._follow(node.path, schema, rows)
        field = owner.by_name[node.path[-1]]
        target = str(field.target)
        if target not in self.schemas:
            return None
        if field.form is ManyForm.BACK:
            keys = {owner.key_of(row) for row in holders}
            return self.schemas[target], await self._referring_to(target, str(field.back), keys)
        place = owner.positions[field.name]
        wanted = {key for row in holders for key in row[place] or ()}
        return self.schemas[target], await self._with_keys(target, wanted)

    async def _with_keys(self, collection: str, keys: set[Key]) -> list[Row]:
        known = self._by_key.setdefault(collection, {})
        layout = self._reader.layout(collection)
        missing = [key for key in keys if key not in known]
        if missing:
            known.update(dict.fromkeys(missing))
            texts = list(dict.fromkeys(map(layout.text, missing)))
            for found in await self._reader.rows(layout, Access(ByKeys("keys", texts))):
                known[layout.schema.key_of(found)] = found
        return [row for key in keys if (row := known.get(key)) is not None]

    async def _referring_to(self, collection: str, field: str, keys: set[Key]) -> list[Row]:
        index = self._referring.setdefault((collection, field), {})
        layout = self._reader.layout(collection)
        missing = [key for key in keys if key not in index]
        if missing:
            place = layout.schema.positions[field]
            access = referring(layout, field, missing)
            found: dict[Key, list[Row]] = {key: [] for key in missing}
            for row in await self._reader.rows(layout, access):
                if row[place] in found:
                    found[row[place]].append(row)
            index.update(found)
        return [row for key in keys for row in index[key]]
