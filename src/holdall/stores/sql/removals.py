"""Removals of one ``apply``: records that refer to each other, or to themselves, go together on every database.

Where a foreign key does not wait for the end of the transaction, the references among the records that go are emptied
first; where they cannot be empty, the rows go unchecked, and it is looked afterwards whether anything refers to them.
Nothing of this is done before the database has refused. Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdall.errors import ReferenceViolation, StaleVersion
from holdall.query import FieldSchema, Kind
from holdall.store import Change, Row, Verb
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.lock_order import Batch
from holdall.stores.sql.row_encoding import RowEncoding, found_by
from holdall.stores.sql.steps import Delete, Find, PartSteps, StillReferred, Update
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import Keys

__all__ = ["Removals", "unlinking"]


class Removals:
    """Plans the removals among the changes of one ``apply``."""

    def __init__(
        self,
        store: str,
        tables: Tables,
        encoding: RowEncoding,
        changes: Sequence[Change],
        batches: Sequence[Batch],
        keys: Keys,
    ) -> None:
        self._store = store
        self._tables = tables
        self._encoding = encoding
        self._changes = changes
        self._keys = keys
        self._left = [batch for batch in batches if batch.verb is Verb.REMOVE]
        self._names = {batch.collection for batch in self._left}
        self._unchecked: list[tuple[Layout, Sequence[Row], Sequence[int]]] = []
        self._is_emptied = False

    def remove(self, batch: Batch) -> PartSteps:
        """Remove the records of a batch. Raises StaleVersion where one is not there as expected."""
        layout, positions = self._tables.layout(batch.collection), batch.positions
        owners = self._owners(layout, positions)
        for link in layout.links.values():
            yield unlinking(self._encoding, layout, link, owners, positions)
        changes = self._changes[positions.start : positions.stop]
        fields, match = found_by(layout, changes[0].version is not None)
        rows: Sequence[Row] = owners
        if len(match) != len(layout.key):
            rows = [(*owner, change.version) for owner, change in zip(owners, changes, strict=True)]
        encoded = self._encoding.rows(layout, fields, rows)
        step = Delete(
            layout.schema.name,
            layout.table,
            match,
            encoded,
            positions,
            is_only=len(positions) == len(self._changes) and not layout.links,
            may_be_tried=self._may_be_tried(batch.collection),
        )
        yield from self._carry_out(step, layout, batch)
        self._left.remove(batch)

    def end(self) -> PartSteps:
        """Raise ReferenceViolation if anything refers to what went unchecked."""
        for layout, rows, positions in self._unchecked:
            for name, field, step in self._referring(layout, rows, positions):
                if (yield step):
                    raise ReferenceViolation(self._store, name, (field,), positions[0])

    def _carry_out(self, step: Delete, layout: Layout, batch: Batch) -> PartSteps:
        start = 0
        reply = yield step
        if isinstance(reply, StillReferred) and not self._is_emptied:
            self._is_emptied = True
            start += reply.index
            yield from self._empty(batch, start)
            reply = yield _rest(step, start)
        if isinstance(reply, StillReferred):
            start += reply.index
            is_unchecked = any(not field.nullable for _, field in self._references())
            if is_unchecked:
                size = len(layout.key)
                self._unchecked.append((layout, [row[:size] for row in step.rows[start:]], step.positions[start:]))
            reply = yield _rest(step, start, may_be_tried=False, is_unchecked=is_unchecked)
        self._demand_met(reply, layout, step.positions[start:])

    def _demand_met(self, missed: int | None, layout: Layout, positions: Sequence[int]) -> None:
        if missed is not None:
            position = positions[missed]
            raise StaleVersion(self._store, layout.schema.name, self._changes[position].key, position)

    def _may_be_tried(self, collection: str) -> bool:
        """Whether something can be done if the database refuses, as what else goes may refer to these records."""
        referring = {name for name, field in self._references() if field.target == collection}
        if self._tables.dialect.family == "postgresql":  # a statement is looked at as a whole
            referring.discard(collection)
            return bool(referring) and self._is_circular(collection)
        return bool(referring)

    def _is_circular(self, collection: str) -> bool:
        reached, new = set[str](), {collection}
        while new:
            new = {str(field.target) for name, field in self._references() if name in new} & self._names - reached
            reached |= new
        return collection in reached

    def _references(self) -> Iterator[tuple[str, FieldSchema]]:
        """By collection of what goes, the fields that may refer to what goes."""
        for name in self._names:
            for field in self._tables.layout(name).schema.stored:
                if field.kind in (Kind.REF, Kind.MANY) and field.target in self._names:
                    yield name, field

    def _empty(self, under_way: Batch, gone: int) -> PartSteps:
        """Empty the references of all that is still to go, as far as they may be empty.

        The first ``gone`` records of the batch ``under_way`` went already.
        """
        for batch in self._left:
            layout = self._tables.layout(batch.collection)
            positions = batch.positions[gone if batch is under_way else 0 :]
            owners = self._owners(layout, positions)
            for link in layout.links.values():
                yield unlinking(self._encoding, layout, link, owners, positions)
            fields = [
                field
                for name, field in self._references()
                if name == batch.collection and field.kind is Kind.REF and field.nullable
            ]
            if fields:
                columns = tuple(column for field in fields for column in layout.columns(field.name))
                key, match = found_by(layout, is_versioned=False)
                rows = [(*(None for _ in fields), *owner) for owner in owners]
                encoded = self._encoding.rows(layout, (*fields, *key), rows)
                missed = yield Update(layout.schema.name, layout.table, columns, match, encoded, positions)
                self._demand_met(missed, layout, positions)

    def _referring(
        self, layout: Layout, rows: Sequence[Row], positions: Sequence[int]
    ) -> Iterator[tuple[str, str, Find]]:
        """Looks for what refers to these rows: the collection, the field and the step."""
        for other in map(self._tables.layout, self._tables.schemas):
            for field in other.schema.stored:
                if field.target != layout.schema.name:
                    continue
                if field.kind is Kind.REF:
                    yield (
                        other.schema.name,
                        field.name,
                        Find(other.schema.name, other.table, (), other.columns(field.name), rows, positions),
                    )
                elif field.name in other.links:
                    link = other.links[field.name]
                    match = tuple(leaf.name for leaf in link.target)
                    yield other.schema.name, field.name, Find(other.schema.name, link.table, (), match, rows, positions)

    def _owners(self, layout: Layout, positions: range) -> list[Row]:
        return self._keys.owners(layout, self._changes[positions.start : positions.stop])


def unlinking(
    encoding: RowEncoding, layout: Layout, link: Link, owners: Sequence[Row], positions: Sequence[int]
) -> Delete:
    """The step that removes what these records hold in a stored Many."""
    key_fields = tuple(layout.schema.by_name[name] for name in layout.schema.key)
    match = tuple(leaf.name for leaf in link.owner)
    return Delete(
        layout.schema.name, link.table, match, encoding.rows(layout, key_fields, owners), positions, is_exact=False
    )


def _rest(step: Delete, start: int, *, may_be_tried: bool = True, is_unchecked: bool = False) -> Delete:
    return Delete(
        step.collection,
        step.table,
        step.match,
        step.rows[start:],
        step.positions[start:],
        may_be_tried=may_be_tried,
        is_unchecked=is_unchecked,
    )
