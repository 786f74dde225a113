"""Looking through all stores for records that cannot be read and references that do not hold; repairing the latter.

The scan goes by key, batch by batch, and can be taken up again at a position. Repairs are ordinary commits, one a
batch.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from holdall.app.findings import Fault, FsckProgress, FsckReport, Tally
from holdall.errors import CommitError, CorruptRecord, StateError, ValidationError
from holdall.model import OnDelete
from holdall.policy import SYSTEM
from holdall.query import ALWAYS, Key, Value
from holdall.session import Bindings, Session
from holdall.session.binding import Binding, Relationship
from holdall.session.damage import broken_in
from holdall.session.references.cascade_plan import CascadePlan, key_in
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.references.stub import field_names, keys_getter
from holdall.store import Row

__all__ = ["Fsck"]


class _Look(msgspec.Struct, frozen=True):
    """One way to look at the records of a collection; without a ``relationship``, at their values."""

    name: str
    walked: Binding
    relationship: Relationship | None
    find: Callable[..., Awaitable[list[Fault]]]

    @property
    def collections(self) -> set[str]:
        """The collections that it reads."""
        relationship = self.relationship
        return {
            self.walked.collection,
            *([] if relationship is None else [relationship.source.collection, relationship.target.collection]),
        }


class Fsck:
    """One look through everything; see ``Holdall.fsck``."""

    def __init__(
        self, bindings: Bindings, *, repair: bool, batch: int, progress: Callable[[FsckProgress], object] | None
    ) -> None:
        self._bindings = bindings
        self._repair = repair
        self._batch = batch
        self._progress = progress
        self._related = RelatedReader(SemiJoins(bindings, SYSTEM), told_of_broken=self._note)
        self._broken: list[CorruptRecord] = []
        self._damaged: dict[str, set[str]] = {}  # the fields that some record holds unreadable, by collection
        self._lost: set[str] = set()  # the collections that cannot be read at all
        self._tally = Tally()

    async def run(self, start: str | None = None) -> FsckReport:
        """Look at every record, every reference, every other end that is stored, and those that only one may have.

        Raises StateError for a ``start`` that no report of this application gave.
        """
        bindings = [binding for binding in self._bindings if binding.record_access is None and not binding.is_read_only]
        relationships = [relationship for binding in bindings for relationship in binding.relationships]
        looks = [
            *[_Look(binding.collection, binding, None, self._unreadable) for binding in bindings],
            *[
                _Look(relationship.name, relationship.source, relationship, self._dangling)
                for relationship in relationships
            ],
            *[
                _Look(
                    f"{relationship.target.collection}.{back.name}", relationship.target, relationship, self._one_sided
                )
                for relationship in relationships
                for back in relationship.stored_inverses
            ],
            *[
                _Look(f"{relationship.name} alone", relationship.source, relationship, self._shared)
                for relationship in relationships
                if relationship.is_single
            ],
        ]
        names = [look.name for look in looks]
        wanted, after = _read_position(start) if start is not None else (names[0] if names else "", [])
        if names and wanted not in names:
            raise StateError(f"{start!r} is no position of this Holdall's fsck; begin anew")
        for look in looks[names.index(wanted) if names else 0 :]:
            key = look.walked.key_of_texts(after) if look.name == wanted and after else None
            if self._lost.isdisjoint(look.collections):
                await self._walk(look, key)
        return self._tally.report()

    async def _walk(self, look: _Look, after: object) -> None:
        """Go over one collection. One that cannot be read at all is told and passed over."""
        try:
            await self._walk_readable(look, after)
        except CorruptRecord as error:
            self._lost.add(look.walked.collection)
            self._tally.add(Fault("unreadable", look.walked.collection, "", error.key, reason=str(error)))

    async def _walk_readable(self, look: _Look, after: object) -> None:
        walked, parts = look.walked, len(look.walked.schema.key)
        names = () if look.relationship is None else field_names(walked, is_changed=True)
        pages: AsyncIterator[list[Row]] = self._related.pages(walked, ALWAYS, names, after=after, size=self._batch)
        async for rows in pages:
            session = Session(self._bindings)
            found = CascadePlan(session.context.records, session.context.bindings)
            keys = [
                walked.row_key(row) if look.relationship is None else row[0] if parts == 1 else row[:parts]
                for row in rows
            ]
            faults = await look.find(look.relationship or walked, names, dict(zip(keys, rows, strict=True)), found)
            repaired = bool(self._repair and not found.is_empty) and await _commit(session, found)
            for fault in faults:
                self._tally.add(msgspec.structs.replace(fault, is_repaired=fault.is_repaired and repaired))
            self._tally.checked += len(rows)
            if self._progress is not None:
                last = keys[-1] if parts > 1 else keys[-1:]
                position = json.dumps([look.name, *map(str, last)])
                self._progress(FsckProgress(look.name, self._tally.checked, self._tally.number, position))
        if look.relationship is None:  # what was broken after the last page of readable ones
            for fault in self._faults(walked):
                self._tally.add(fault)
            if after is None:
                self._damaged.setdefault(walked.collection, set())
        self._broken.clear()  # a look at references passes over what was told before

    async def _are_readable(self, binding: Binding, names: Iterable[str]) -> bool:
        """Whether every record has values in these fields that can be read; only repairs need to know."""
        if not self._repair:
            return True
        if binding.collection not in self._damaged:  # it was taken up again behind the look at its values
            self._damaged[binding.collection] = set()
            async for rows in self._related.pages(binding, ALWAYS, size=self._batch):
                self._note_damage(binding, [*self._broken, *broken_in(binding, rows)])
            self._note_damage(binding, self._broken)
            self._broken.clear()
        return self._damaged[binding.collection].isdisjoint(names)

    def _note_damage(self, binding: Binding, errors: Iterable[CorruptRecord]) -> None:
        for error in errors:
            self._damaged.setdefault(binding.collection, set()).update(error.fields)

    def _note(self, error: CorruptRecord) -> None:
        self._broken.append(error)

    def _faults(self, binding: Binding) -> list[Fault]:
        """Return the faults that a store has found in records that cannot be read, since the last call."""
        faults = [fault for error in self._broken for fault in _faults_of(binding, error)]
        self._note_damage(binding, self._broken)
        self._tally.checked += len(self._broken)
        self._broken.clear()
        return faults

    async def _unreadable(
        self, binding: Binding, names: Sequence[str], rows: dict[Key, Row], found: CascadePlan
    ) -> list[Fault]:
        """Records whose stored values are not as the model says: to be set right by hand, or by the service."""
        faults = self._faults(binding)
        broken = broken_in(binding, list(rows.values()))
        self._note_damage(binding, broken)
        return [*faults, *(fault for error in broken for fault in _faults_of(binding, error))]

    async def _dangling(
        self, relationship: Relationship, names: Sequence[str], rows: dict[Key, Row], found: CascadePlan
    ) -> list[Fault]:
        """References to records that are not there: emptied, or their record removed where the rules say so."""
        field, is_many = relationship.field, relationship.field.form is not None
        keys_of = keys_getter(relationship, names)
        wanted = {key for row in rows.values() for key in keys_of(row)}
        lost = wanted - await self._related.existing(relationship.target, wanted)
        # a record whose key cannot be read may be what is referred to
        is_sure = not lost or await self._are_readable(relationship.target, relationship.target.schema.key)
        faults = []
        for key, row in rows.items():
            if lost.isdisjoint(keys_of(row)):
                continue
            can_repair = is_sure
            record = found.record(relationship.source, key, tuple(names), row) if is_sure else None
            if not is_sure:
                pass
            elif is_many and field.may_be_emptied:
                left = tuple([item for item in field.get(record) if key_in(item) not in lost])
                found.change(record, key, field, left)
            elif field.nullable:
                found.change(record, key, field, None)
            elif relationship.on_delete is OnDelete.CASCADE:
                found.remove(relationship.source, key, record)
            else:
                can_repair = False
            faults.append(
                Fault("dangling", relationship.source.collection, str.__str__(relationship.field.name), key, can_repair)
            )
        return faults

    async def _one_sided(
        self, relationship: Relationship, names: Sequence[str], rows: dict[Key, Row], found: CascadePlan
    ) -> list[Fault]:
        """Stored other ends that do not say what the references say: written anew."""
        referring: dict[Key, list[Any]] = {key: [] for key in rows}
        own, parts = (
            (*relationship.source.schema.key, relationship.field.root.name),
            len(relationship.source.schema.key),
        )
        keys_of = keys_getter(relationship, own)
        async for page in self._related.referring(relationship, list(rows), own):
            for row in page:
                for key in keys_of(row):
                    if key in referring:
                        referring[key].append(row[0] if parts == 1 else row[:parts])
        # a record whose reference cannot be read may refer to these
        is_sure = await self._are_readable(relationship.source, own)
        faults = []
        for back in relationship.stored_inverses:
            place = names.index(back.name)
            for key, row in rows.items():
                held = (
                    list(row[place] or ()) if back.form is not None else [row[place]] if row[place] is not None else []
                )
                true = set(referring[key])
                if set(held) == true:
                    continue
                kept = [item for item in held if item in true]
                kept += [item for item in dict.fromkeys(referring[key]) if item not in kept]
                value: Value = tuple(kept) if back.form is not None else (kept[0] if kept else None)
                if is_sure:
                    record = found.record(relationship.target, key, tuple(names), row)
                    found.change(record, key, back, value)
                faults.append(Fault("one-sided", relationship.target.collection, back.name, key, is_sure))
        return faults

    async def _shared(
        self, relationship: Relationship, names: Sequence[str], rows: dict[Key, Row], found: CascadePlan
    ) -> list[Fault]:
        """Several records that refer to one that only one may refer to; which of them is right, is not known here."""
        place = names.index(relationship.field.name)
        counts: dict[Key, int] = {row[place]: 0 for row in rows.values() if row[place] is not None}
        async for page in self._related.referring(
            relationship, list(counts), (*relationship.source.schema.key, relationship.field.name)
        ):
            for row in page:
                counts[row[-1]] += 1
        return [
            Fault("shared", relationship.source.collection, relationship.field.name, key, False)
            for key, row in rows.items()
            if counts.get(row[place], 0) > 1
        ]


def _faults_of(binding: Binding, error: CorruptRecord) -> list[Fault]:
    """One fault for each field that cannot be read, or for the record where no field is known."""
    fields = error.fields or ("",)
    return [Fault("unreadable", binding.collection, field, error.key, reason=_reason(error, field)) for field in fields]


def _reason(error: CorruptRecord, field: str) -> str:
    reason = error.reasons.get(field)
    return error.reason if reason is None else reason if reason.startswith("cannot") else f"it {reason}"


async def _commit(session: Session, found: CascadePlan) -> bool:
    """Write the repairs of one batch; whether they were written."""
    induced = found.induce()
    try:
        await session.commit()
    except (CommitError, ValidationError):
        return False
    finally:
        induced.end()
    return True


def _read_position(text: str) -> tuple[str, list[str]]:
    try:
        name, *key = json.loads(text)
    except (ValueError, TypeError) as error:
        raise StateError(f"{text!r} is not a position that fsck gave") from error
    return str(name), [str(part) for part in key]
