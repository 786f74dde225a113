"""Keys that records of one ``apply`` are still to be given, filled in where later changes refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from holdall.query import FieldSchema, Key, Kind, Schema, Value
from holdall.store import Change, KeyOf, Members, Row, Verb, no_earlier_add
from holdall.stores.sql.layout import Layout, Link

__all__ = ["Keys", "WriteShape", "is_to_come", "parts", "whole_keys", "write_shape"]


class WriteShape(msgspec.Struct):
    """The common part of all changes of one verb to the same fields of a collection."""

    layout: Layout
    fields: tuple[FieldSchema, ...]  # those with columns of the collection's own table
    places: tuple[int, ...] | None  # their places among a change's values; None if they are all of them
    columns: tuple[str, ...]
    references: tuple[int, ...]  # places of values that may hold a KeyOf
    links: tuple[tuple[int, Link], ...]  # places of stored Many, and where they are kept


def write_shape(layout: Layout, names: tuple[str, ...]) -> WriteShape:
    """The shape of changes to these fields."""
    schema = layout.schema
    fields = [schema.field(name) for name in names]
    own = [place for place, field in enumerate(fields) if field.kind is not Kind.MANY]
    return WriteShape(
        layout,
        tuple(fields[place] for place in own),
        None if len(own) == len(names) else tuple(own),
        tuple(column for place in own for column in layout.columns(names[place])),
        tuple(place for place, field in enumerate(fields) if field.may_await_key),
        tuple((place, layout.links[field.name]) for place, field in enumerate(fields) if field.name in layout.links),
    )


def parts(layout: Layout, key: Key) -> Row:
    """The key as a tuple of its parts."""
    return (key,) if len(layout.schema.key) == 1 else key


def whole_keys(schema: Schema, fields: Sequence[FieldSchema], rows: Sequence[Row], made: Sequence[Key]) -> list[Key]:
    """The keys of new rows, of which the database made a part."""
    places = [next((place for place, field in enumerate(fields) if field.name == name), None) for name in schema.key]
    return [
        tuple([part if place is None else row[place] for place in places]) for row, part in zip(rows, made, strict=True)
    ]


class Keys:
    """The keys that records of one ``apply`` have or have been given so far."""

    def __init__(self, store: str, changes: Sequence[Change], is_read_back: bool = False) -> None:
        self._store = store
        self._changes = changes
        self.count = len(changes)
        self._is_read_back = is_read_back
        self._made: dict[int, Any] = {}
        self._may_refer = any(change.key is None for change in changes)

    def are_all(self, positions: range) -> bool:
        """Whether writing what is at these positions is all there is to do."""
        return len(positions) == self.count and not self._is_read_back

    def learn(self, positions: range, keys: Sequence[Key]) -> None:
        """These keys have been made for the records added at these positions."""
        self._made.update(zip(positions, keys, strict=True))

    def key_at(self, position: int) -> Key:
        """The key of the record at this position."""
        key = self._changes[position].key
        return self._made[position] if key is None else self.resolved(key)

    def resolved(self, value: object) -> Value:
        """The value with every KeyOf in it replaced by the key. Raises StoreError where that is no earlier ADD's."""
        if type(value) is KeyOf:
            position = value.position
            earlier = self._changes[position] if position < self.count else None
            if earlier is None or earlier.verb is not Verb.ADD or (earlier.key is None and position not in self._made):
                raise no_earlier_add(self._store, position)
            return self.key_at(position)
        if type(value) is tuple and self._may_refer:
            return tuple([self.resolved(item) for item in value])
        if type(value) is Members and self._may_refer:
            return Members.of(map(self.resolved, value), value.before)
        return value

    def owners(self, layout: Layout, batch: Sequence[Change]) -> list[Row]:
        """The keys of the batch, each as a tuple of its parts."""
        if self._may_refer:
            return [parts(layout, self.resolved(change.key)) for change in batch]
        return [(change.key,) for change in batch] if len(layout.schema.key) == 1 else [change.key for change in batch]

    def values(self, shape: WriteShape, batch: Sequence[Change]) -> list[Row]:
        """The batch's values, with keys in place of KeyOf."""
        rows = [change.values for change in batch]
        if not (self._may_refer and shape.references):
            return rows
        for place in shape.references:
            for index, row in enumerate(rows):
                value = row[place]
                if type(value) is KeyOf or isinstance(value, tuple):
                    rows[index] = (*row[:place], self.resolved(value), *row[place + 1 :])
        return rows

    def end_of_batch(self, start: int, end: int, shape: WriteShape) -> int:
        """Where the batch must end so that no record in it refers to one whose key it is still to make."""
        if not (self._may_refer and shape.references) or self._changes[start].verb is not Verb.ADD:
            return end
        for position in range(start + 1, end):
            values = self._changes[position].values
            if any(_needs(values[place], start) for place in shape.references):
                return position
        return end


def is_to_come(key: Key) -> bool:
    """Whether the key, or a part of it, is still to be made."""
    return type(key) is KeyOf or (type(key) is tuple and any(map(is_to_come, key)))


def _needs(value: object, start: int) -> bool:
    if type(value) is KeyOf:
        return value.position >= start
    return type(value) is tuple and any(_needs(item, start) for item in value)
