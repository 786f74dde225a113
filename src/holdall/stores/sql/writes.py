"""Changes to steps: contiguous changes of one kind become one batch, references to keys not made yet are filled in.

Pure: it never meets a connection. Statements and drivers are in ``sqlite``, ``postgres`` and ``engine``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from holdall.errors import FieldError, StaleVersion, StateError, ValidationError
from holdall.query import FieldSchema, Kind
from holdall.store import APPLIED, Change, KeyOf, Outcome, Row, Verb
from holdall.stores.sql.codec import RowConvert, row_encoder
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.steps import Delete, Insert, Steps, Update
from holdall.stores.sql.tables import Tables

__all__ = ["Writes"]


class _Shape(msgspec.Struct):
    """What all changes of one verb to the same fields of a collection have in common."""

    layout: Layout
    fields: tuple[FieldSchema, ...]  # those with columns of the collection's own table
    places: tuple[int, ...] | None  # their places among a change's values; None if they are all of them
    columns: tuple[str, ...]
    references: tuple[int, ...]  # places of values that may hold a KeyOf
    links: tuple[tuple[int, Link], ...]  # places of stored Many, and where they are kept


class Writes:
    """Plans the changes of one store."""

    def __init__(self, store: str, tables: Tables) -> None:
        self._store = store
        self._tables = tables
        self._shapes: dict[tuple[str, tuple[str, ...]], _Shape] = {}
        self._encoders: dict[tuple[FieldSchema, ...], RowConvert | None] = {}
        self._generation = tables.generation

    def steps(self, changes: Sequence[Change]) -> Steps:
        """The steps of these changes, in order. Raises StaleVersion where a step finds no record to change."""
        if self._generation != self._tables.generation:
            self._shapes.clear()
            self._encoders.clear()
            self._generation = self._tables.generation
        outcomes = [APPLIED] * len(changes)
        keys = _Keys(changes)
        start = 0
        while start < len(changes):
            first = changes[start]
            shape = self._shape(first.collection, first.fields)
            end = keys.end_of_batch(start, _end_of_kind(changes, start), shape)
            batch = changes[start:end]
            positions = range(start, end)
            if first.verb is Verb.ADD:
                yield from self._add(shape, batch, positions, keys, outcomes)
            elif first.verb is Verb.UPDATE:
                yield from self._update(shape, batch, positions, keys)
            else:
                yield from self._remove(shape, batch, positions, keys)
            start = end
        return outcomes

    def _add(
        self, shape: _Shape, batch: Sequence[Change], positions: range, keys: _Keys, outcomes: list[Outcome]
    ) -> Steps:
        layout, schema = shape.layout, shape.layout.schema
        values = keys.values(shape, batch)
        rows, fields, columns = _picked(shape, values), shape.fields, shape.columns
        generated = layout.generated
        if batch[0].key is not None and not set(schema.key) <= {field.name for field in fields}:
            absent = [name for name in schema.key if name not in {field.name for field in fields}]
            parts = [schema.key.index(name) for name in absent]
            own = [_parts(layout, keys.resolved(change.key)) for change in batch]
            rows = [(*row, *(key[part] for part in parts)) for row, key in zip(rows, own, strict=True)]
            fields = (*fields, *(schema.by_name[name] for name in absent))
            columns = (*columns, *(column for name in absent for column in layout.columns(name)))
        elif generated in columns and batch[0].key is None:
            place = columns.index(generated)
            rows = [(*row[:place], *row[place + 1 :]) for row in rows]
            fields, columns = fields[:place] + fields[place + 1 :], columns[:place] + columns[place + 1 :]
        counted = generated if generated not in columns else None
        encoded = self._encoded(layout, fields, rows)
        is_only = len(positions) == keys.count and not shape.links
        given = generated if counted is None else None
        made = yield Insert(schema.name, layout.table, columns, encoded, positions, counted, given, is_only)
        if counted is not None:
            outcomes[positions.start : positions.stop] = map(Outcome, made)
            keys.learn(positions, made)
        for place, link in shape.links:
            owners = [_parts(layout, keys.key_at(position)) for position in positions]
            yield from self._link(layout, link, owners, [row[place] for row in values], positions)
        return []

    def _update(self, shape: _Shape, batch: Sequence[Change], positions: range, keys: _Keys) -> Steps:
        layout = shape.layout
        values = keys.values(shape, batch)
        owners = keys.owners(layout, batch)
        fields, match = _found_by(layout, batch[0])
        own = _picked(shape, values)
        if len(match) == len(layout.key):
            rows = [(*row, *owner) for row, owner in zip(own, owners, strict=True)]
        else:
            rows = [(*row, *owner, change.version) for row, owner, change in zip(own, owners, batch, strict=True)]
        encoded = self._encoded(layout, (*shape.fields, *fields), rows)
        is_only = len(positions) == keys.count and not shape.links
        missed = yield Update(layout.schema.name, layout.table, shape.columns, match, encoded, positions, is_only)
        self._check(missed, layout, batch, positions)
        for place, link in shape.links:
            yield self._unlink(layout, link, owners, positions)
            yield from self._link(layout, link, owners, [row[place] for row in values], positions)
        return []

    def _remove(self, shape: _Shape, batch: Sequence[Change], positions: range, keys: _Keys) -> Steps:
        layout = shape.layout
        owners = keys.owners(layout, batch)
        for link in layout.links.values():
            yield self._unlink(layout, link, owners, positions)
        fields, match = _found_by(layout, batch[0])
        rows = owners
        if len(match) != len(layout.key):
            rows = [(*owner, change.version) for owner, change in zip(owners, batch, strict=True)]
        encoded = self._encoded(layout, fields, rows)
        is_only = len(positions) == keys.count and not layout.links
        missed = yield Delete(layout.schema.name, layout.table, match, encoded, positions, is_only=is_only)
        self._check(missed, layout, batch, positions)
        return []

    def _link(self, layout: Layout, link: Link, owners: Sequence[Row], many: Sequence[Any], positions: range) -> Steps:
        key_fields = tuple(layout.schema.by_name[name] for name in layout.schema.key)
        is_listed = link.position is not None
        rows: list[Row] = []
        origins: list[int] = []
        for own, targets, position in zip(owners, many, positions, strict=True):
            for index, target in enumerate(targets or ()):
                rows.append((*own, target, index) if is_listed else (*own, target))
                origins.append(position)
        if not rows:
            return []
        target_field = msgspec.structs.replace(link.field, kind=Kind.REF, nullable=False, form=None)
        fields = (*key_fields, target_field, *((_COUNTER,) if is_listed else ()))
        columns = tuple(leaf.name for leaf in (*link.owner, *link.target)) + ((link.position,) if link.position else ())
        encoded = self._encoded(layout, fields, rows)
        yield Insert(layout.schema.name, link.table, columns, encoded, origins)
        return []

    def _unlink(self, layout: Layout, link: Link, owners: list[Row], positions: range) -> Delete:
        key_fields = tuple(layout.schema.by_name[name] for name in layout.schema.key)
        match = tuple(leaf.name for leaf in link.owner)
        encoded = self._encoded(layout, key_fields, owners)
        return Delete(layout.schema.name, link.table, match, encoded, positions, is_exact=False)

    def _check(self, missed: int | None, layout: Layout, batch: Sequence[Change], positions: range) -> None:
        if missed is not None:
            raise StaleVersion(self._store, layout.schema.name, batch[missed].key, positions[missed])

    def _encoded(self, layout: Layout, fields: tuple[FieldSchema, ...], rows: list[Row]) -> list[Row]:
        try:
            convert = self._encoders[fields]
        except KeyError:
            convert = self._encoders[fields] = row_encoder(fields, self._tables.dialect)
        if convert is None:
            return rows
        try:
            return convert(rows)
        except ValueError as error:
            problem = FieldError(self._culprit(fields, rows), "unstorable", str(error))
            raise ValidationError(layout.schema.name, [problem]) from error

    def _culprit(self, fields: tuple[FieldSchema, ...], rows: list[Row]) -> str:
        for place, field in enumerate(fields):
            convert = row_encoder((field,), self._tables.dialect)
            try:
                if convert is not None:
                    convert([(row[place],) for row in rows])
            except ValueError:
                return field.name
        return ""

    def _shape(self, collection: str, names: tuple[str, ...]) -> _Shape:
        shape = self._shapes.get((collection, names))
        if shape is None:
            shape = self._shapes[collection, names] = _shape_of(self._tables.layout(collection), names)
        return shape


_COUNTER = FieldSchema("position", Kind.INT)


class _Keys:
    """The keys that records of one ``apply`` have or have been given so far."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self.count = len(changes)
        self._made: dict[int, Any] = {}
        self._may_refer = any(change.key is None for change in changes)

    def learn(self, positions: range, keys: Sequence[Any]) -> None:
        """These keys have been made for the records added at these positions."""
        self._made.update(zip(positions, keys, strict=True))

    def key_at(self, position: int) -> Any:
        """The key of the record at this position."""
        key = self._changes[position].key
        return self._made[position] if key is None else self.resolved(key)

    def resolved(self, value: Any) -> Any:
        """The value with every KeyOf in it replaced by the key."""
        if type(value) is KeyOf:
            if value.position not in self._made and self._changes[value.position].key is None:
                raise StateError(f"KeyOf({value.position}) stands before the record whose key it needs")
            return self.key_at(value.position)
        if type(value) is tuple and self._may_refer:
            return tuple([self.resolved(item) for item in value])
        return value

    def owners(self, layout: Layout, batch: Sequence[Change]) -> list[Row]:
        """The keys of the batch, each as a tuple of its parts."""
        if self._may_refer:
            return [_parts(layout, self.resolved(change.key)) for change in batch]
        return [(change.key,) for change in batch] if len(layout.schema.key) == 1 else [change.key for change in batch]

    def values(self, shape: _Shape, batch: Sequence[Change]) -> list[Row]:
        """The batch's values, with keys in place of KeyOf."""
        rows = [change.values for change in batch]
        if not (self._may_refer and shape.references):
            return rows
        for place in shape.references:
            for index, row in enumerate(rows):
                value = row[place]
                if type(value) is KeyOf or type(value) is tuple:
                    rows[index] = (*row[:place], self.resolved(value), *row[place + 1 :])
        return rows

    def end_of_batch(self, start: int, end: int, shape: _Shape) -> int:
        """Where the batch must end so that no record in it refers to one whose key it is still to make."""
        if not (self._may_refer and shape.references) or self._changes[start].verb is not Verb.ADD:
            return end
        for position in range(start + 1, end):
            values = self._changes[position].values
            if any(_needs(values[place], start) for place in shape.references):
                return position
        return end


def _needs(value: Any, start: int) -> bool:
    if type(value) is KeyOf:
        return value.position >= start
    return type(value) is tuple and any(_needs(item, start) for item in value)


def _end_of_kind(changes: Sequence[Change], start: int) -> int:
    first = changes[start]
    verb, collection, fields = first.verb, first.collection, first.fields
    keyless, versionless = first.key is None, first.version is None
    for end in range(start + 1, len(changes)):
        change = changes[end]
        if (
            (change.fields is not fields and change.fields != fields)
            or change.verb is not verb
            or change.collection != collection
            or (change.key is None) is not keyless
            or (change.version is None) is not versionless
        ):
            return end
    return len(changes)


def _shape_of(layout: Layout, names: tuple[str, ...]) -> _Shape:
    schema = layout.schema
    fields = [schema.field(name) for name in names]
    own = [place for place, field in enumerate(fields) if field.kind is not Kind.MANY]
    return _Shape(
        layout,
        tuple(fields[place] for place in own),
        None if len(own) == len(names) else tuple(own),
        tuple(column for place in own for column in layout.columns(names[place])),
        tuple(place for place, field in enumerate(fields) if field.kind in (Kind.REF, Kind.MANY)),
        tuple((place, layout.links[field.name]) for place, field in enumerate(fields) if field.name in layout.links),
    )


def _picked(shape: _Shape, rows: list[Row]) -> list[Row]:
    places = shape.places
    return rows if places is None else [tuple([row[place] for place in places]) for row in rows]


def _parts(layout: Layout, key: Any) -> Row:
    return (key,) if len(layout.schema.key) == 1 else key


def _found_by(layout: Layout, first: Change) -> tuple[tuple[FieldSchema, ...], tuple[str, ...]]:
    """Fields and columns that find the records of a batch: their key, and the version expected, if any."""
    schema = layout.schema
    fields = tuple(schema.by_name[name] for name in schema.key)
    match = tuple(leaf.name for leaf in layout.key)
    if first.version is None or layout.version is None or schema.version is None:
        return fields, match
    return (*fields, schema.by_name[schema.version]), (*match, layout.version)
