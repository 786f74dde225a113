"""New records that are to be added only where none like them is stored: those that are there are left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from holdall.model import Field, Record, Reference, State, record_in, replace_items, state_of
from holdall.query import And, Compare, Condition, Key, Op, Or, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.references.related_reader import RelatedReader
from holdall.store import Feature

__all__ = ["Absent"]

_AT_ONCE = 100  # combinations of unique values in one question


class Absent:
    """Leaves new records out of one commit whose key, or whose unique values, a stored record has."""

    def __init__(self, records: IdentityMap, bindings: Bindings) -> None:
        self._records = records
        self._bindings = bindings
        self._left: list[tuple[Any, Any]] = []  # records that are left out, each with the key of the stored one

    @property
    def count(self) -> int:
        """How many records are left out."""
        return len(self._left)

    async def leave_out(self, asking: RelatedReader) -> None:
        """Take those out of the new records that are there, and let references to them lead to what is stored."""
        groups: dict[Binding, list[Any]] = {}
        for record in self._records.if_absent.values():
            if self._records.holds(record) and state_of(record) is State.NEW:
                groups.setdefault(self._bindings.of_model(type(record)), []).append(record)
        for binding, group in groups.items():
            for record in group:  # so that none of them is taken for what is there
                self._unfile(record)
            stored = await self._stored(binding, group, asking)
            taken: dict[Any, Record] = {}
            for record in group:
                marks = list(_marks(binding, record))
                key = next((stored[mark] for mark in marks if mark in stored), None)
                twin = next((taken[mark] for mark in marks if mark in taken), None)
                if key is not None:
                    self._leave(record, key)
                elif twin is not None:
                    self._leave(record, twin)
                else:
                    taken.update((mark, record) for mark in marks)
            self._records.index_new(binding.model)
        if self._left:
            self._lead_on()

    def _leave(self, record: Any, instead: Any) -> None:
        self._left.append((record, instead))
        self._records.states.forget(record)
        self._unfile(record)

    def _unfile(self, record: Any) -> None:
        known, key = self._records.of(type(record)), record.__key__()
        if known.get(key) is record:
            del known[key]

    def _lead_on(self) -> None:
        """Let references to what is left out lead to what is there."""
        instead = {id(record): other for record, other in self._left}

        def led(field: Field, item: Value) -> Value:
            record = record_in(item) if item.__class__ is Reference else None
            if id(record) not in instead:
                return item
            other = instead[id(record)]
            return Reference(field.target, record=other) if isinstance(other, type(record)) else other

        for holder in [*self._records.new.values(), *self._records.dirty.values()]:
            for field in type(holder).__holdall__.outgoing:
                replace_items(field, holder, partial(led, field))

    async def _stored(self, binding: Binding, group: list[Any], asking: RelatedReader) -> dict[Any, Key]:
        """By mark, the keys of stored records."""
        found: dict[Any, Key] = {}
        keys = [key for record in group if (key := record.__key__()) is not None]
        for key in await asking.existing(binding, keys):
            found[binding.schema.key, key] = key
        if binding.record_access is not None or Feature.FILTER not in binding.store.capabilities.features:
            return found
        parts = len(binding.schema.key)
        for rule in binding.schema.unique:
            wanted = [mark[1] for record in group for mark in _marks(binding, record) if mark[0] == rule]
            names = (*binding.schema.key, *rule)
            for start in range(0, len(wanted), _AT_ONCE):
                condition = _having(rule, wanted[start : start + _AT_ONCE])
                async for rows in asking.pages(binding, condition, names):
                    for row in rows:
                        found[rule, tuple(row[parts:])] = row[0] if parts == 1 else tuple(row[:parts])
        return found

    def end(self, *, is_written: bool) -> None:
        """Discard what was left out of a commit that went well; else it is new again."""
        for record, _ in self._left:
            if is_written:
                self._records.if_absent.pop(id(record), None)
                self._records.discard(record)
            else:
                self._records.states.new[id(record)] = record
                self._records.index_new(type(record))
        if is_written:
            for record in [*self._records.if_absent.values()]:
                if state_of(record) is not State.NEW:
                    self._records.if_absent.pop(id(record))


def _marks(binding: Binding, record: Record) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The key of a record and its unique values, as far as they have no null, each with the fields they are of."""
    key = record.__key__()
    if key is not None:
        yield binding.schema.key, key
    for rule in binding.schema.unique:
        values = binding.codec.reader(rule)(record)
        if None not in values:
            yield rule, tuple(values)


def _having(rule: tuple[str, ...], wanted: list[tuple[Value, ...]]) -> Condition:
    if len(rule) == 1:
        return Compare((rule[0],), Op.IN, tuple([value for (value,) in wanted]))
    each = [And(tuple([Compare((n,), Op.EQ, v) for n, v in zip(rule, values, strict=True)])) for values in wanted]
    return each[0] if len(each) == 1 else Or(tuple(each))
