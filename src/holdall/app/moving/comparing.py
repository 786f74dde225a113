"""A collection on both sides of a move, read by key: the changes that make the target as the source is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from holdall.app.moving.pace import TOO_MANY, Pace
from holdall.query import ALWAYS, AnyQuery, Key, Query, Row, SortKey
from holdall.session import Binding
from holdall.session.references.key_conditions import chunks, having_keys, one_of
from holdall.store import Change, Verb, is_same_value

__all__ = ["BothSides"]


class BothSides(msgspec.Struct, frozen=True):
    """The collection where it lies and where it goes."""

    source: Binding
    target: Binding

    async def pages(self, side: Binding, pace: Pace, after: Key = None) -> AsyncIterator[dict[Key, Row]]:
        """All records of a side by their keys, in the order of keys, at this pace, from behind ``after``."""
        names = side.schema.key
        query: AnyQuery = Query(side.collection, ALWAYS).sort(*[SortKey((name,)) for name in names])
        while True:
            if after is not None:
                query = query.after(*(after if len(names) > 1 else (after,)))
            size = pace.size
            try:
                rows = await side.store.fetch(query.limit(size))
            except TOO_MANY as error:
                await pace.fewer(size, error)
                continue
            if not rows:
                return
            yield {side.row_key(row): row for row in rows}
            if len(rows) < size:  # records that have come behind these since are noted
                return
            after = side.row_key(rows[-1])

    async def rows(self, side: Binding, keys: Iterable[Key]) -> dict[Key, Row]:
        """The records of a side with these keys."""
        found: dict[Key, Row] = {}
        for part in chunks(side, list(keys)):
            rows = await side.store.fetch(Query(side.collection, having_keys(side, part)))
            found.update((side.row_key(row), row) for row in rows)
        return found

    async def changes(self, keys: Sequence[Key], known: dict[Key, Row] | None = None) -> list[Change]:
        """Return what has to be done to the target, so that these records are there as they are in the source.

        ``known`` are those of the source, if they were read.
        """
        ours = await self.rows(self.source, keys) if known is None else known
        theirs = await self.rows(self.target, keys)
        found: dict[Verb, list[Change]] = {Verb.REMOVE: [], Verb.UPDATE: [], Verb.ADD: []}
        for key in keys:
            change = self._change(key, ours.get(key), theirs.get(key))
            if change is not None:
                found[change.verb].append(change)
        updates = sorted(found[Verb.UPDATE], key=lambda change: change.fields)  # those alike are written together
        return [*found[Verb.REMOVE], *updates, *found[Verb.ADD]]

    def additions(self, rows: dict[Key, Row]) -> list[Change]:
        """The changes that add these records to the target."""
        names = self._names
        return [Change(Verb.ADD, self.target.collection, key, names, tuple(row)) for key, row in rows.items()]

    def differing(self, ours: Row, theirs: Row) -> list[str]:
        """The fields in which two records are not the same."""
        return [name for name, mine, other in zip(self._names, ours, theirs, strict=True) if mine != other]

    async def holders(self, changes: Iterable[Change]) -> set[Key]:
        """The records of the target that have a unique value which one of these changes would give to another."""
        found: set[Key] = set()
        given = [dict(zip(change.fields, change.values, strict=True)) for change in changes]
        for rule in self.target.schema.unique:
            paths = tuple([(name,) for name in rule])
            values = [tuple(each[name] for name in rule) for each in given if all(name in each for name in rule)]
            wanted = [each if len(rule) > 1 else each[0] for each in values if None not in each]
            for start in range(0, len(wanted), 50):
                condition = one_of(paths, tuple(wanted[start : start + 50]))
                rows = await self.target.store.fetch(Query(self.target.collection, condition))
                found.update(self.target.row_key(row) for row in rows)
        return found

    @property
    def _names(self) -> tuple[str, ...]:
        return self.target.all_fields

    def _change(self, key: Key, ours: Row | None, theirs: Row | None) -> Change | None:
        if ours is None:
            return None if theirs is None else Change(Verb.REMOVE, self.target.collection, key)
        if theirs is None:
            return Change(Verb.ADD, self.target.collection, key, self._names, tuple(ours))
        both = zip(self._names, ours, theirs, strict=True)
        pairs = [(name, mine) for name, mine, other in both if not is_same_value(mine, other)]
        if not pairs:
            return None
        names, values = zip(*pairs, strict=True)
        return Change(Verb.UPDATE, self.target.collection, key, names, values)
