"""Rows of paths and formulas, whatever of them another store holds: keys are followed, formulas are computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import msgspec

from holdall.query import AnyQuery, Key, Path, Query, Value, is_formula, paths_behind
from holdall.query.value_columns import ValueColumns
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.key_conditions import chunks, having_keys
from holdall.session.references.nested_conditions import extracted, whole_columns
from holdall.store import Feature, Rows, Store, StoreTransaction

__all__ = ["Projecting"]

_Away: TypeAlias = Callable[[Binding, Path], tuple[int, Binding] | None]
_Access: TypeAlias = Callable[[Binding], Store | StoreTransaction]
_Note: TypeAlias = Callable[[Binding, AnyQuery, int], None]


class Projecting:
    """Asks for rows of what a query projects; ``away`` tells after how many steps a path leaves its store."""

    def __init__(self, bindings: Bindings, access: _Access, away: _Away, note: _Note) -> None:
        self._bindings = bindings
        self._access = access
        self._away = away
        self._note = note

    async def rows(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of a query that sorts by its own store only, and whose condition that can answer."""
        away = {
            place: found
            for place, path in enumerate(query.projection)
            if (found := self._away(binding, path)) is not None
        }
        if not away:
            return await self._fetched(query, binding)
        if any(is_formula(query.projection[place]) for place in away):
            return await self._computed(query, binding, away)
        paths = [path[: away[place][0]] if place in away else path for place, path in enumerate(query.projection)]
        rows = await self._fetched(msgspec.structs.replace(query, projection=tuple(paths)), binding)
        columns = [list(column) for column in zip(*rows, strict=True)]
        if rows:
            for place, (steps, target) in away.items():
                values = await self._values(target, columns[place], query.projection[place][steps:])
                columns[place] = [values.get(key) for key in columns[place]]
        return list(zip(*columns, strict=True))

    def stored_paths(self, paths: Sequence[Path], binding: Binding) -> tuple[Path, ...]:
        """The paths as the store of a collection is asked for them: whole values, where references lie inside."""
        return whole_columns(self._bindings, binding, paths)[0]

    async def _fetched(self, query: AnyQuery, binding: Binding) -> Rows:
        """The rows of paths that stay in the store; of references inside values it gives the values."""
        paths, extracts = whole_columns(self._bindings, binding, query.projection)
        if not extracts:
            return await self._access(binding).fetch(query)
        if Feature.PROJECTION in binding.store.capabilities.features:
            rows = await self._access(binding).fetch(msgspec.structs.replace(query, projection=paths))
            return extracted(rows, extracts)
        places = [binding.schema.positions[path[0]] for path in paths]
        whole = await self._access(binding).fetch(msgspec.structs.replace(query, projection=()))
        return extracted([tuple([row[place] for place in places]) for row in whole], extracts)

    async def _computed(self, query: AnyQuery, binding: Binding, away: Mapping[int, object]) -> Rows:
        """The rows, of which these formulas are computed here."""
        wanted = [paths_behind(path) if place in away else (path,) for place, path in enumerate(query.projection)]
        paths = tuple(dict.fromkeys(chain.from_iterable(wanted))) or tuple([(name,) for name in binding.schema.key])
        rows = await self.rows(msgspec.structs.replace(query, projection=paths), binding)
        getters = list(map(self.columns(binding, paths).getter, query.projection))
        return [tuple([get(row) for get in getters]) for row in rows]

    def columns(self, binding: Binding, paths: Sequence[Path]) -> ValueColumns:
        """The values at these paths of a collection as a collection of their own."""
        schemas = {each.collection: each.schema for each in self._bindings}
        return ValueColumns(schemas, binding.schema, paths)

    async def _values(self, target: Binding, keys: Sequence[Key], path: Path) -> dict[Key, Value]:
        """Return the values at the path, by key, of the records with these keys."""
        names, found = target.schema.key, dict[Any, Any]()
        wanted = [key for key in dict.fromkeys(keys) if key is not None]
        paths = (*[(name,) for name in names], path)
        for part in chunks(target, wanted):
            query: AnyQuery = Query(target.collection, having_keys(target, part), projection=paths)
            rows = await self.rows(query, target)
            self._note(target, query, len(rows))
            found.update((row[0] if len(names) == 1 else row[: len(names)], row[-1]) for row in rows)
        return found
