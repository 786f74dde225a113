"""Changes to steps: contiguous changes of one kind become one batch, references to keys not made yet are filled in.

Pure: it never meets a connection. Statements and drivers are in ``sqlite``, ``postgres`` and ``engine``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeAlias

from holdall.errors import StaleVersion
from holdall.query import AnyQuery
from holdall.store import APPLIED, Change, Members, Outcome, Row, Run, Runs, Verb, expects, has_checks
from holdall.stores.sql.compile import Statement
from holdall.stores.sql.expectations import Expectations
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.lock_order import Batch, in_lock_order
from holdall.stores.sql.member_rows import MemberRows
from holdall.stores.sql.preliminaries import Preliminaries
from holdall.stores.sql.removals import Removals, unlinking
from holdall.stores.sql.returning import Returned
from holdall.stores.sql.row_encoding import RowEncoding, found_by
from holdall.stores.sql.server_values import ServerValues
from holdall.stores.sql.steps import ColumnRows, Insert, Lock, PartSteps, Step, Steps, Update
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import Keys, WriteShape, parts, whole_keys, write_shape

__all__ = ["Writes"]

_Plain: TypeAlias = tuple[Run, WriteShape, range]
"""A run whose rows go as they are, and the places of its changes."""


class Writes:
    """Plans the changes of one store; ``compile_query`` makes the statement that reads what is expected of a record."""

    def __init__(self, store: str, tables: Tables, compile_query: Callable[[AnyQuery], Statement]) -> None:
        self._store = store
        self._tables = tables
        self._shapes: dict[tuple[str, tuple[str, ...]], WriteShape] = {}
        self._encoding = RowEncoding(tables)
        self._preliminaries = Preliminaries(tables, self._encoding)
        self._expectations = Expectations(store, tables, self._encoding, compile_query)
        self._members = MemberRows(store, self._encoding)
        self._server_values = ServerValues(tables, compile_query)
        self._generation = tables.generation

    def steps(self, changes: Sequence[Change]) -> Steps:
        """The steps of these changes, in order. Raises StaleVersion where a step finds no record to change."""
        if self._generation != self._tables.generation:
            self._shapes.clear()
            self._encoding.clear()
            self._generation = self._tables.generation
        outcomes = [APPLIED] * len(changes)
        plain = self._plain_runs(changes)
        is_expecting = plain is None and (expects(changes) or has_checks(changes))
        is_read_back = self._server_values.is_any and self._server_values.is_asked(changes)
        returned = self._server_values.returned(changes) if is_read_back and not is_expecting else None
        is_looked_at = is_read_back and returned is None
        if plain is not None:
            yield from self._whole(changes, plain, returned, is_looked_at)
            yield from self._given(changes, outcomes, returned, is_looked_at)
            return outcomes
        keys = Keys(self._store, changes, is_looked_at)
        if is_expecting:
            yield from self._expectations.steps(changes)
        batches = in_lock_order(self._batches(changes, keys))
        locks = yield from self._preliminaries.steps(batches, changes)
        removals = Removals(self._store, self._tables, self._encoding, changes, batches, keys)
        for item in batches:
            if item.collection in locks and item.verb is not Verb.ADD:
                yield locks.pop(item.collection)
            positions = item.positions
            batch = changes[positions.start : positions.stop]
            if batch[0].is_check:
                continue  # it was looked at before
            shape = self._shape(item.collection, batch[0].fields)
            if item.verb is Verb.ADD:
                yield from self._add(shape, batch, positions, keys, outcomes, returned)
            elif item.verb is Verb.UPDATE:
                yield from self._update(shape, batch, positions, keys)
            else:
                yield from removals.remove(item)
        yield from removals.end()
        yield from self._given(changes, outcomes, returned, is_looked_at)
        return outcomes

    def _given(
        self, changes: Sequence[Change], outcomes: list[Outcome], returned: Returned | None, is_looked_at: bool
    ) -> PartSteps:
        """Put what the database gives into the outcomes: what came back, or else what is there after all steps."""
        if is_looked_at or (returned is not None and not returned.fill(outcomes)):
            yield from self._server_values.steps(changes, outcomes)

    def _batches(self, changes: Sequence[Change], keys: Keys) -> Iterator[Batch]:
        start = 0
        while start < len(changes):
            first = changes[start]
            shape = self._shape(first.collection, first.fields)
            end = keys.end_of_batch(start, _end_of_kind(changes, start), shape)
            yield Batch(first.verb, first.collection, range(start, end))
            start = end

    def _plain_runs(self, changes: Sequence[Change]) -> list[_Plain] | None:
        """The whole runs of plain additions and updates; None if anything is to be compared, filled in or linked."""
        if not isinstance(changes, Runs) or changes.is_linked:
            return None
        found, start = list[_Plain](), 0
        for run in changes.runs:
            shape, end = self._shape(run.collection, run.fields), start + len(run.keys)
            if not _is_plain(run, shape):
                return None
            found.append((run, shape, range(start, end)))
            start = end
        return found

    def _whole(
        self, changes: Sequence[Change], plain: list[_Plain], returned: Returned | None, is_looked_at: bool
    ) -> PartSteps:
        locks: dict[str, Lock] = {}
        if [run for run, _, _ in plain if run.verb is not Verb.ADD]:  # nobody locks rows that nobody knows
            batches = [Batch(run.verb, run.collection, place) for run, _, place in plain]
            numbers = {id(batch): number for number, batch in enumerate(batches)}
            batches = in_lock_order(batches)
            locks = yield from self._preliminaries.steps(batches, changes)
            plain = [plain[numbers[id(batch)]] for batch in batches]
        for run, shape, positions in plain:
            layout = shape.layout
            if run.collection in locks and run.verb is not Verb.ADD:
                yield locks.pop(run.collection)
            is_only = len(run.keys) == len(changes) and not is_looked_at
            if run.verb is Verb.ADD:
                encoded = self._encoding.rows(layout, shape.fields, run.rows)
                step = Insert(layout.schema.name, layout.table, shape.columns, encoded, positions, is_only=is_only)
                step.given = None if run.is_untold else layout.generated
                yield from self._inserted(step, returned)
                continue
            fields, match = found_by(layout, run.versions is not None)
            finding = [run.keys]
            if run.versions is not None and len(match) > len(layout.key):
                finding.append(run.versions)
            rows: Sequence[Row]
            if run.columns is not None:
                rows = ColumnRows(*run.columns, *finding)
            else:
                rows = [(*row, *items) for row, *items in zip(run.rows, *finding, strict=True)]
            encoded = self._encoding.rows(layout, (*shape.fields, *fields), rows)
            missed = yield Update(layout.schema.name, layout.table, shape.columns, match, encoded, positions, is_only)
            if missed is not None:
                raise StaleVersion(self._store, layout.schema.name, run.keys[missed], positions[missed])

    def _add(
        self,
        shape: WriteShape,
        batch: Sequence[Change],
        positions: range,
        keys: Keys,
        outcomes: list[Outcome],
        returned: Returned | None,
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
        encoded = self._encoding.rows(layout, fields, rows)
        is_only = keys.are_all(positions) and not shape.links
        given = generated if counted is None else None
        step = Insert(schema.name, layout.table, columns, encoded, positions, counted, given, is_only)
        made = yield from self._inserted(step, returned)
        if counted is not None:
            whole = made if len(schema.key) == 1 else whole_keys(schema, fields, rows, made)
            outcomes[positions.start : positions.stop] = map(Outcome, whole)
            keys.learn(positions, whole)
        for place, link in shape.links:
            owners = [parts(layout, keys.key_at(position)) for position in positions]
            yield from self._members.insert(
                layout, link, owners, [enumerate(row[place] or ()) for row in values], positions
            )
        return []

    def _update(self, shape: WriteShape, batch: Sequence[Change], positions: range, keys: Keys) -> Steps:
        layout = shape.layout
        fields, match = found_by(layout, batch[0].version is not None)
        rows = _picked(shape, keys.values(shape, batch))
        rows = [(*row, *owner) for row, owner in zip(rows, keys.owners(layout, batch), strict=True)]
        if len(match) > len(layout.key):
            rows = [(*row, change.version) for row, change in zip(rows, batch, strict=True)]
        encoded = self._encoding.rows(layout, (*shape.fields, *fields), rows)
        is_only = keys.are_all(positions) and not shape.links
        missed = yield Update(layout.schema.name, layout.table, shape.columns, match, encoded, positions, is_only)
        self._check(missed, layout, batch, positions)
        for place, link in shape.links:
            owners, many = keys.owners(layout, batch), [row[place] for row in keys.values(shape, batch)]
            if all(type(value) is Members for value in many):
                yield from self._members.change(layout, link, owners, many, positions)
                continue
            yield unlinking(self._encoding, layout, link, owners, positions)
            yield from self._members.insert(
                layout, link, owners, [enumerate(targets or ()) for targets in many], positions
            )
        return []

    def _check(self, missed: int | None, layout: Layout, batch: Sequence[Change], positions: range) -> None:
        if missed is not None:
            raise StaleVersion(self._store, layout.schema.name, batch[missed].key, positions[missed])

    def _inserted(self, step: Insert, returned: Returned | None) -> Generator[Step, Any, Any]:
        """Carry out an Insert, and return the keys that were made. Raises Conflict where rows were not kept."""
        if returned is not None:
            step.returning = returned.columns
        reply = yield step
        step.demand_all(self._store, reply)
        return reply if returned is None else returned.take(reply, step.positions, step.generated is not None)

    def _shape(self, collection: str, names: tuple[str, ...]) -> WriteShape:
        shape = self._shapes.get((collection, names))
        if shape is None:
            shape = self._shapes[collection, names] = write_shape(self._tables.layout(collection), names)
        return shape


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
    """Whether the run's rows can go as they are, with their keys and versions behind them, and nothing is compared."""
    key = shape.layout.schema.key
    if shape.places is not None or shape.links or len(key) != 1 or run.expected is not None:
        return False
    if run.is_untold:
        return shape.layout.generated is not None and key[0] not in run.fields
    if None in run.keys:
        return False
    return bool(run.fields) if run.verb is Verb.UPDATE else run.verb is Verb.ADD and key[0] in run.fields
