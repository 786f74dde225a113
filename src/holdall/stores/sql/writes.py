"""Changes to steps: contiguous changes of one kind become one batch, references to keys not made yet are filled in.

Pure: it never meets a connection. Statements and drivers are in ``sqlite``, ``postgres`` and ``engine``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from holdall.errors import Conflict, FieldError, StaleVersion, ValidationError
from holdall.query import FieldSchema, Kind
from holdall.store import APPLIED, Change, Outcome, Row, Run, Runs, Verb
from holdall.stores.sql.codec import RowConvert, row_encoder
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.lock_order import Batch, in_lock_order, to_lock_first
from holdall.stores.sql.steps import ColumnRows, Delete, Insert, Lock, Steps, Update
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import Keys, WriteShape, is_to_come, parts, write_shape

__all__ = ["Writes"]


class Writes:
    """Plans the changes of one store."""

    def __init__(self, store: str, tables: Tables) -> None:
        self._store = store
        self._tables = tables
        self._shapes: dict[tuple[str, tuple[str, ...]], WriteShape] = {}
        self._encoders: dict[tuple[FieldSchema, ...], RowConvert | None] = {}
        self._generation = tables.generation

    def steps(self, changes: Sequence[Change]) -> Steps:
        """The steps of these changes, in order. Raises StaleVersion where a step finds no record to change."""
        if self._generation != self._tables.generation:
            self._shapes.clear()
            self._encoders.clear()
            self._generation = self._tables.generation
        outcomes = [APPLIED] * len(changes)
        plain = self._plain_runs(changes)
        if plain is not None:
            yield from plain
            return outcomes
        keys = Keys(changes)
        batches = in_lock_order(self._batches(changes, keys))
        locks = self._locks(batches, changes)
        for item in batches:
            if item.collection in locks and item.verb is not Verb.ADD:
                yield locks.pop(item.collection)
            positions = item.positions
            batch = changes[positions.start : positions.stop]
            shape = self._shape(item.collection, batch[0].fields)
            if item.verb is Verb.ADD:
                yield from self._add(shape, batch, positions, keys, outcomes)
            elif item.verb is Verb.UPDATE:
                yield from self._update(shape, batch, positions, keys)
            else:
                yield from self._remove(shape, batch, positions, keys)
        return outcomes

    def _batches(self, changes: Sequence[Change], keys: Keys) -> Iterator[Batch]:
        start = 0
        while start < len(changes):
            first = changes[start]
            shape = self._shape(first.collection, first.fields)
            end = keys.end_of_batch(start, _end_of_kind(changes, start), shape)
            yield Batch(first.verb, first.collection, range(start, end))
            start = end

    def _locks(self, batches: Sequence[Batch], changes: Sequence[Change]) -> dict[str, Lock]:
        """By collection, the step that locks its rows before they are changed, where that takes a step."""
        dialect = self._tables.dialect
        if len(changes) < 2 or not dialect.locks_rows:
            return {}
        locks: dict[str, Lock] = {}
        for name, group in to_lock_first(batches, is_each_in_order=dialect.locks_batch_in_order).items():
            layout = self._tables.layout(name)
            places = [place for batch in group for place in batch.positions if not is_to_come(changes[place].key)]
            fields, match = _found_by(layout, is_versioned=False)
            rows = self._encoded(layout, fields, [parts(layout, changes[place].key) for place in places])
            is_removal = any(batch.verb is Verb.REMOVE for batch in group)
            locks[name] = Lock(name, layout.table, (), match, rows, places, is_removal=is_removal)
        return locks

    def _plain_runs(self, changes: Sequence[Change]) -> Steps | None:
        """The steps of whole runs of plain additions and updates; None if anything is to be filled in or linked."""
        if not isinstance(changes, Runs) or changes.is_linked:
            return None
        shapes = [self._shape(run.collection, run.fields) for run in changes.runs]
        if not all(map(_is_plain, changes.runs, shapes)):
            return None
        return self._whole(changes, shapes)

    def _whole(self, changes: Runs, shapes: list[WriteShape]) -> Steps:
        batches, start = list[Batch](), 0
        for run in changes.runs:
            batches.append(Batch(run.verb, run.collection, range(start, start + len(run.keys))))
            start = batches[-1].positions.stop
        places = {batch: place for place, batch in enumerate(batches)}
        batches = in_lock_order(batches)
        locks = self._locks(batches, changes)
        for item in batches:
            if item.collection in locks and item.verb is not Verb.ADD:
                yield locks.pop(item.collection)
            run, shape = changes.runs[places[item]], shapes[places[item]]
            layout, positions = shape.layout, item.positions
            is_only = len(run.keys) == len(changes)
            if run.verb is Verb.ADD:
                encoded = self._encoded(layout, shape.fields, run.rows)
                yield Insert(
                    layout.schema.name, layout.table, shape.columns, encoded, positions, None, layout.generated, is_only
                )
                continue
            fields, match = _found_by(layout, run.versions is not None)
            found_by = [run.keys]
            if run.versions is not None and len(match) > len(layout.key):
                found_by.append(run.versions)
            rows: Sequence[Row]
            if run.columns is not None:
                rows = ColumnRows(*run.columns, *found_by)
            else:
                rows = [(*row, *items) for row, *items in zip(run.rows, *found_by, strict=True)]
            encoded = self._encoded(layout, (*shape.fields, *fields), rows)
            missed = yield Update(layout.schema.name, layout.table, shape.columns, match, encoded, positions, is_only)
            if missed is not None:
                raise StaleVersion(self._store, layout.schema.name, run.keys[missed], positions[missed])
        return []

    def _add(
        self, shape: WriteShape, batch: Sequence[Change], positions: range, keys: Keys, outcomes: list[Outcome]
    ) -> Steps:
        layout, schema = shape.layout, shape.layout.schema
        values = keys.values(shape, batch)
        rows, fields, columns = _picked(shape, values), shape.fields, shape.columns
        generated = layout.generated
        if batch[0].key is not None and not set(schema.key) <= {field.name for field in fields}:
            absent = [name for name in schema.key if name not in {field.name for field in fields}]
            indexes = [schema.key.index(name) for name in absent]
            own = [parts(layout, keys.resolved(change.key)) for change in batch]
            rows = [(*row, *(key[index] for index in indexes)) for row, key in zip(rows, own, strict=True)]
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
            if len(made) != len(positions):
                raise Conflict(
                    self._store,
                    f"its table kept {len(made)} of {len(positions)} new {schema.name} records; "
                    "a trigger or rule may have put them elsewhere",
                )
            outcomes[positions.start : positions.stop] = map(Outcome, made)
            keys.learn(positions, made)
        for place, link in shape.links:
            owners = [parts(layout, keys.key_at(position)) for position in positions]
            yield from self._link(layout, link, owners, [row[place] for row in values], positions)
        return []

    def _update(self, shape: WriteShape, batch: Sequence[Change], positions: range, keys: Keys) -> Steps:
        layout = shape.layout
        fields, match = _found_by(layout, batch[0].version is not None)
        rows = _picked(shape, keys.values(shape, batch))
        rows = [(*row, *owner) for row, owner in zip(rows, keys.owners(layout, batch), strict=True)]
        if len(match) > len(layout.key):
            rows = [(*row, change.version) for row, change in zip(rows, batch, strict=True)]
        encoded = self._encoded(layout, (*shape.fields, *fields), rows)
        is_only = len(positions) == keys.count and not shape.links
        missed = yield Update(layout.schema.name, layout.table, shape.columns, match, encoded, positions, is_only)
        self._check(missed, layout, batch, positions)
        for place, link in shape.links:
            owners, values = keys.owners(layout, batch), keys.values(shape, batch)
            yield self._unlink(layout, link, owners, positions)
            yield from self._link(layout, link, owners, [row[place] for row in values], positions)
        return []

    def _remove(self, shape: WriteShape, batch: Sequence[Change], positions: range, keys: Keys) -> Steps:
        layout = shape.layout
        owners = keys.owners(layout, batch)
        for link in layout.links.values():
            yield self._unlink(layout, link, owners, positions)
        fields, match = _found_by(layout, batch[0].version is not None)
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

    def _encoded(self, layout: Layout, fields: tuple[FieldSchema, ...], rows: Sequence[Row]) -> Sequence[Row]:
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

    def _culprit(self, fields: tuple[FieldSchema, ...], rows: Sequence[Row]) -> str:
        for place, field in enumerate(fields):
            convert = row_encoder((field,), self._tables.dialect)
            try:
                if convert is not None:
                    convert([(row[place],) for row in rows])
            except ValueError:
                return field.name
        return ""

    def _shape(self, collection: str, names: tuple[str, ...]) -> WriteShape:
        shape = self._shapes.get((collection, names))
        if shape is None:
            shape = self._shapes[collection, names] = write_shape(self._tables.layout(collection), names)
        return shape


_COUNTER = FieldSchema("position", Kind.INT)


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


def _picked(shape: WriteShape, rows: list[Row]) -> list[Row]:
    places = shape.places
    return rows if places is None else [tuple([row[place] for place in places]) for row in rows]


def _is_plain(run: Run, shape: WriteShape) -> bool:
    """Whether the run's rows can go as they are, with their keys and versions behind them."""
    key = shape.layout.schema.key
    if shape.places is not None or shape.links or len(key) != 1 or None in run.keys:
        return False
    return run.verb is Verb.UPDATE or (run.verb is Verb.ADD and key[0] in run.fields)


def _found_by(layout: Layout, is_versioned: bool) -> tuple[tuple[FieldSchema, ...], tuple[str, ...]]:
    """Fields and columns that find the records of a batch: their key, and the version expected, if any."""
    schema = layout.schema
    fields = tuple(schema.by_name[name] for name in schema.key)
    match = tuple(leaf.name for leaf in layout.key)
    if not is_versioned or layout.version is None or schema.version is None:
        return fields, match
    return (*fields, schema.by_name[schema.version]), (*match, layout.version)
