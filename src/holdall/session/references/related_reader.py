"""Questions to stores about many keys at once, in lists and pages no store minds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from holdall.errors import CorruptRecord, LimitExceeded
from holdall.query import (
    ALWAYS,
    And,
    AnyQuery,
    Compare,
    Condition,
    Key,
    Op,
    Or,
    Path,
    Query,
    Some,
    SortKey,
    Value,
    both,
    is_formula,
)
from holdall.session.binding import Binding, Relationship
from holdall.session.damage import parted
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.projection import parted_rows
from holdall.session.references.key_conditions import PAGE, can_page, chunks, having_keys
from holdall.session.references.nested_conditions import is_inside
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.references.stub import keys_getter
from holdall.store import Damaged, Feature, Row, Rows

__all__ = ["RelatedReader", "keys_asked"]

_WHOLE = 100_000
"""Rows taken at once from a store that cannot page."""


class RelatedReader:
    """Asks stores in the program's own name: what holds references together is nobody's right to withhold.

    Records that cannot be read are an error, or are handed to ``told_of_broken`` and left out.
    """

    def __init__(
        self,
        semi_joins: SemiJoins,
        dao_records: DaoRecords | None = None,
        told_of_broken: Callable[[CorruptRecord], object] | None = None,
    ) -> None:
        self._semi_joins = semi_joins
        self._dao_records = dao_records  # of a session, which DAOs need
        self._told_of_broken = told_of_broken

    async def existing(self, binding: Binding, keys: Iterable[Key], *, is_living: bool = False) -> set[Key]:
        """Which of these keys the collection has; if ``is_living``, of records that are not deleted."""
        if self._dao_records is not None and binding.record_access is not None:
            return await self._dao_records.existing(binding, list(keys))
        living = binding.living if is_living else ALWAYS
        found: set[Any] = set()
        for part in chunks(binding, list(keys)):
            async for rows in self.pages(binding, both(having_keys(binding, part), living), binding.schema.key):
                found.update(_key_at_start(binding, row) for row in rows)
        return found

    async def rows_of(self, binding: Binding, keys: Iterable[Key], names: Sequence[str]) -> dict[Key, Row]:
        """These fields of the records with these keys, by key; ``names`` starts with the key's."""
        if self._dao_records is not None and binding.record_access is not None:
            records = await self._dao_records.found(binding, list(keys))
            return {key: binding.codec.reader(tuple(names))(record) for key, record in records.items()}
        found: dict[Key, Row] = {}
        for part in chunks(binding, list(keys)):
            async for rows in self.pages(binding, having_keys(binding, part), names):
                found.update((_key_at_start(binding, row), row) for row in rows)
        return found

    async def whole_rows(self, binding: Binding, keys: Sequence[Key]) -> dict[Key, Row]:
        """The whole rows of the records with these keys, by key."""
        key = binding.schema.key
        names = (*key, *[name for name in binding.all_fields if name not in key])
        rows, places = await self.rows_of(binding, keys, names), [names.index(name) for name in binding.all_fields]
        return {found: tuple([row[place] for place in places]) for found, row in rows.items()}

    async def referring(
        self, relationship: Relationship, keys: Iterable[Key], names: Sequence[str], wanted: Condition = ALWAYS
    ) -> AsyncIterator[Rows]:
        """These fields of the records that refer to these keys by the relationship, page by page.

        Of those that are ``wanted`` alone; of those that DAOs keep, the ones the session holds, as none can be asked.
        """
        if self._dao_records is not None and relationship.source.record_access is not None:
            yield self._dao_records.referring(relationship.source, relationship.field, set(keys), tuple(names))
            return
        path: Path = (relationship.field.name,)
        if is_inside(path) and relationship.field.form is not None:  # which no store is asked for: all are looked at
            wanted_keys, keys_of = set(keys), keys_getter(relationship, names)
            async for rows in self.pages(relationship.source, wanted, names):
                if found := [row for row in rows if not wanted_keys.isdisjoint(keys_of(row))]:
                    yield found
            return
        for part in chunks(relationship.target, list(keys)):
            condition: Condition = Compare(path, Op.IN, tuple(part))
            features = relationship.source.store.capabilities.features
            is_joined = relationship.source.store is relationship.target.store and Feature.MANY_CONDITIONS in features
            if relationship.field.form is not None and is_joined:
                condition = Some(path, having_keys(relationship.target, part))
            elif relationship.field.form is not None:
                condition = await self._semi_joins.holding(path, relationship.source, relationship.target, part)
            elif is_inside(path):
                condition = await self._semi_joins.condition(condition, relationship.source, ALWAYS)
            async for rows in self.pages(relationship.source, both(condition, wanted), names):
                yield rows

    async def pages(
        self, binding: Binding, condition: Condition, names: Sequence[str] = (), *, after: Key = None, size: int = PAGE
    ) -> AsyncIterator[Rows]:
        """These fields of the records that meet the condition, by key, at most ``size`` at a time.

        ``names`` starts with the key's; without names, rows are whole. ``after`` is the key to begin after. A store
        that cannot page gives all at once; LimitExceeded where that is too much.
        """
        features, schema = binding.store.capabilities.features, binding.schema
        shown = tuple([(name,) for name in names]) if Feature.PROJECTION in features else ()
        query: AnyQuery = Query(binding.collection, ALWAYS & condition, projection=shown)
        if not can_page(binding):
            rows, every = await self._fetch(binding, query.limit(_WHOLE + 1))
            if len(every) > _WHOLE:
                what = f"{binding.collection} from a store without pages"
                raise LimitExceeded(what, _WHOLE, "keep it in a store that has pages", is_of_store=True)
            yield _shown(binding, names, rows, bool(shown))
            return
        query = query.sort(*[SortKey((name,)) for name in schema.key]).limit(size)
        while True:
            if after is not None:
                query = query.after(*(after if len(schema.key) > 1 else (after,)))
            rows, every = await self._fetch(binding, query)
            if rows:
                yield _shown(binding, names, rows, bool(shown))
            last = _last_key(binding, every, is_projected=bool(shown))
            if len(every) < size or last in (None, after):
                return
            after = last

    async def _fetch(self, binding: Binding, query: AnyQuery) -> tuple[Rows, Rows]:
        """The rows of an answer that can be read, and every row."""
        try:
            rows = await self._semi_joins.access(binding).fetch(query)
        except CorruptRecord as error:
            if self._told_of_broken is None or not error.rows:
                raise
            readable, broken = parted_rows(binding, query, error) if query.projection else parted(binding, error)
            for each in broken:
                self._told_of_broken(each)
            return readable, list(error.rows)
        return rows, rows


def keys_asked(binding: Binding, query: AnyQuery) -> list[Key] | None:
    """The keys of the records a query asks for, if it says no more of them than that; the other way of having_keys."""
    items = query.condition.items if isinstance(query.condition, Or) else (query.condition,)
    found: dict[Key, None] = {}
    for item in items:
        parts = item.items if isinstance(item, And) else (item,)
        given: dict[Path, Value] = {part.path: part.value for part in parts if isinstance(part, Compare)}
        operators = {part.op if isinstance(part, Compare) else None for part in parts}
        if set(given) != {(name,) for name in binding.schema.key} or len(parts) != len(given):
            return None
        if operators == {Op.IN} and len(parts) == 1:
            found.update(dict.fromkeys(*given.values()))
        elif operators == {Op.EQ}:
            key = tuple([given[name,] for name in binding.schema.key])
            found[key if len(key) > 1 else key[0]] = None
        else:
            return None
    is_plain = all(len(path) == 1 and not is_formula(path) for path in query.projection) and query.position is None
    return list(found) if is_plain and (not query.sort_keys or len(found) < 2) else None


def _shown(binding: Binding, names: Sequence[str], rows: Rows, is_projected: bool) -> Rows:
    if is_projected or not names:
        return rows
    places = [binding.schema.positions[name] for name in names]
    return [tuple([row[place] for place in places]) for row in rows]


def _last_key(binding: Binding, rows: Rows, *, is_projected: bool) -> Key:
    """The last key among these rows that can be read."""
    for row in reversed(rows):
        key = _key_at_start(binding, row) if is_projected else binding.row_key(row)
        if not any(isinstance(part, Damaged) for part in (key if isinstance(key, tuple) else (key,))):
            return key
    return None


def _key_at_start(binding: Binding, row: Row) -> Key:
    parts = len(binding.schema.key)
    return row[0] if parts == 1 else row[:parts]
