"""Steps before changes: rows locked in one order, and unique values that others are to get let go of."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from holdall.query import FieldSchema, Key
from holdall.store import Change, Row, Verb
from holdall.stores.sql.decoding import DamagedRows, row_decoder
from holdall.stores.sql.handover import Claim, Holder, claims, unlike_any
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.lock_order import Batch, to_lock_first
from holdall.stores.sql.row_encoding import RowEncoding, found_by
from holdall.stores.sql.steps import Find, Lock, PartSteps, Release, Step
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import is_to_come, parts

__all__ = ["Preliminaries"]


class Preliminaries:
    """Plans the first steps of one store's works."""

    def __init__(self, tables: Tables, encoding: RowEncoding) -> None:
        self._tables = tables
        self._encoding = encoding

    def steps(self, batches: Sequence[Batch], changes: Sequence[Change]) -> Generator[Step, Any, dict[str, Lock]]:
        """Let go of unique values that pass on; gives, by collection, the locks that are still to be taken."""
        if not _do_several(batches):
            return {}
        found = claims(batches, changes, lambda name: self._tables.layout(name).schema)
        locks = self._locks(batches, changes, {claim.collection for claim in found})
        for claim in found:
            if claim.collection in locks:
                yield locks.pop(claim.collection)
            yield from self._release(claim)
        return locks

    def _release(self, claim: Claim) -> PartSteps:
        layout = self._tables.layout(claim.collection)
        names = tuple(column for field in claim.fields for column in layout.columns(field.name))
        rows = self._encoding.rows(layout, claim.fields, claim.rows)
        found = yield Find(claim.collection, layout.table, (), names, rows, claim.positions)
        held: dict[FieldSchema, dict[Key, Holder]] = {}
        for key in self._keys(layout, found):
            holder = claim.holders.get(key)
            if holder is not None:
                held.setdefault(holder.field, {})[key] = holder
        fields, match = found_by(layout, is_versioned=False)
        for field, group in held.items():
            keys = sorted(group)
            released = [(unlike_any(field), *parts(layout, key)) for key in keys]
            encoded = self._encoding.rows(layout, (field, *fields), released)
            positions = [group[key].position for key in keys]
            yield Release(claim.collection, layout.table, layout.columns(field.name), match, encoded, positions)

    def _keys(self, layout: Layout, rows: Sequence[Row]) -> list[Key]:
        decode = row_decoder(found_by(layout, is_versioned=False)[0], self._tables.dialect)
        try:
            decoded = rows if decode is None else decode(rows)
        except DamagedRows as damaged:
            decoded = damaged.rows
        return [row[0] if len(row) == 1 else tuple(row) for row in decoded]

    def _locks(self, batches: Sequence[Batch], changes: Sequence[Change], claimed: AbstractSet[str]) -> dict[str, Lock]:
        """By collection, the step that locks its rows before they are changed, where that takes a step."""
        dialect = self._tables.dialect
        if not dialect.locks_rows:
            return {}
        locks: dict[str, Lock] = {}
        to_lock = to_lock_first(batches, claimed, is_each_in_order=dialect.locks_batch_in_order)
        for name, group in to_lock.items():
            layout = self._tables.layout(name)
            places = [place for batch in group for place in batch.positions if not is_to_come(changes[place].key)]
            if not places:  # rows that this commit adds are its own
                continue
            fields, match = found_by(layout, is_versioned=False)
            rows = self._encoding.rows(layout, fields, [parts(layout, changes[place].key) for place in places])
            is_removal = any(batch.verb is Verb.REMOVE for batch in group)
            locks[name] = Lock(name, layout.table, (), match, rows, places, is_removal=is_removal)
        return locks


def _do_several(batches: Sequence[Batch]) -> bool:
    """Whether several things are done in one collection, not all of them additions."""
    counts: dict[str, int] = {}
    changed: set[str] = set()
    for batch in batches:
        counts[batch.collection] = counts.get(batch.collection, 0) + len(batch.positions)
        if batch.verb is not Verb.ADD:
            changed.add(batch.collection)
    return any(counts[name] > 1 for name in changed)
