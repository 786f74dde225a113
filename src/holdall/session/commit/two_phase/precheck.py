"""Conflicts in a store that can only be looked at before the decision, seen while the commit can still be refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from holdall.errors import AlreadyExists, StaleVersion, UniqueViolation, Unsupported
from holdall.query import And, AnyQuery, Compare, Condition, Key, Op, Or, Query, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.key_conditions import having_keys
from holdall.store import Change, Expected, KeyOf, Row, Verb

__all__ = ["precheck"]


async def precheck(bindings: Bindings, changes: Sequence[Change], *, is_whole: bool = True) -> None:
    """Raise StaleVersion, AlreadyExists or UniqueViolation where the store would refuse the changes as things stand.

    Unique values are looked at only where ``is_whole``, as a change that is left out may let go of one.
    """
    by_collection: dict[str, list[Change]] = {}
    for change in changes:
        by_collection.setdefault(change.collection, []).append(change)
    for collection, group in by_collection.items():
        await _Look(bindings.of_name(collection), group).check(is_whole=is_whole)


class _Look:
    """One collection, and what is about to happen to it."""

    def __init__(self, binding: Binding, changes: Sequence[Change]) -> None:
        self._binding = binding
        self._changes = changes
        self._added = {change.key for change in changes if change.verb is Verb.ADD and _is_known(change.key)}
        self._touched = {change.key for change in changes if change.verb is not Verb.ADD and _is_known(change.key)}

    async def check(self, *, is_whole: bool) -> None:
        await self._check_keys()
        await self._check_expected()
        for names in self._binding.schema.unique if is_whole else ():
            await self._check_unique(names)

    async def _check_keys(self) -> None:
        binding = self._binding
        names, version = binding.schema.key, binding.schema.version
        paths = tuple([(name,) for name in (*names, version) if name is not None])
        found: dict[Key, Any] = {}
        for some in _pieces(binding, list(self._added | self._touched), len(names)):
            query: AnyQuery = Query(binding.collection, having_keys(binding, some), projection=paths)
            for row in await binding.store.fetch(query):
                found[_key(row, len(names))] = row[-1]
        seen: set[Any] = set()
        for change in self._changes:
            if not _is_known(change.key):
                continue
            if change.verb is Verb.ADD:
                if change.key in found:
                    raise AlreadyExists(binding.store.name, binding.collection, names)
            elif change.key not in seen and change.key not in self._added:
                expected = found.get(change.key) if change.version is None else change.version
                if change.key not in found or found[change.key] != expected:
                    raise StaleVersion(binding.store.name, binding.collection, change.key)
            seen.add(change.key)

    async def _check_expected(self) -> None:
        binding, size = self._binding, len(self._binding.schema.key)
        asked: dict[tuple[str, ...], list[tuple[Key, Expected]]] = {}
        for change in self._changes:
            if change.expected is not None:
                asked.setdefault(change.expected.fields, []).append((change.key, change.expected))
        for names, group in asked.items():
            paths, found = tuple([(name,) for name in (*binding.schema.key, *names)]), dict[Key, Row]()
            for some in _pieces(binding, [key for key, _ in group], size):
                query: AnyQuery = Query(binding.collection, having_keys(binding, some), projection=paths)
                found.update((_key(row, size), row[size:]) for row in await binding.store.fetch(query))
            for key, expected in group:
                if key not in found or not expected.is_met_by(found[key]):
                    raise StaleVersion(binding.store.name, binding.collection, key)

    async def _check_unique(self, names: tuple[str, ...]) -> None:
        """Values that are null or yet to be made collide with nothing, nor do those of a record that is changed as
        well.
        """
        binding = self._binding
        wanted = [values for change in self._changes if (values := _values(change, names)) is not None]
        size = len(binding.schema.key)
        paths = tuple([(name,) for name in binding.schema.key])
        for some in _pieces(binding, wanted, len(names)):
            query: AnyQuery = Query(binding.collection, _having(names, some), projection=paths)
            try:
                found = await binding.store.fetch(query)
            except Unsupported:
                return  # the store will say so itself, later
            if any(_key(row, size) not in self._touched for row in found):
                raise UniqueViolation(binding.store.name, binding.collection, names)


def _values(change: Change, names: tuple[str, ...]) -> Row | None:
    """Return the values that a change gives to the fields of a unique rule, or None if it does not give all of them."""
    if change.verb is Verb.REMOVE or not set(names) <= set(change.fields):
        return None
    given = dict(zip(change.fields, change.values, strict=True))
    values = tuple([given[name] for name in names])
    return None if any(value is None or not _is_known(value) for value in values) else values


def _is_known(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_known, value))
    return value is not None and not isinstance(value, KeyOf)


def _having(names: tuple[str, ...], values: Sequence[Row]) -> Condition:
    if len(names) == 1:
        return Compare((names[0],), Op.IN, tuple([value for (value,) in values]))
    return Or(
        tuple(
            [
                And(tuple([Compare((name,), Op.EQ, part) for name, part in zip(names, row, strict=True)]))
                for row in values
            ]
        )
    )


def _pieces(binding: Binding, values: list[Value], parts: int) -> Iterator[list[Any]]:
    """As many at once as the store takes in one condition."""
    limits = binding.store.capabilities.limits
    size = limits.in_values if parts == 1 else max(1, (limits.condition_nodes - 1) // (parts + 1))
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _key(row: Row, size: int) -> Key:
    return row[0] if size == 1 else row[:size]
