"""Whether a user may make a change, decided for each record as it is stored, as it is to be, and by its references."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdall.errors import FieldError, Forbidden, NotFound, ValidationError
from holdall.model import (
    Record,
    Reference,
    State,
    items_of,
    old_of,
    placed_items,
    record_in,
    slot_of,
    state_of,
    track_of,
)
from holdall.policy import SYSTEM, Part, Right, User, bound
from holdall.query import Condition, Key, Query, Row, Value
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.presets import unknown_field
from holdall.session.commit.plan.rights import changed_otherwise, turned
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap
from holdall.session.meeting import rows_meeting
from holdall.session.references.deciding import Deciding, Subject, row_after, row_of
from holdall.session.references.key_conditions import chunks, having_keys
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["Judging"]


class Judging:
    """Decides about the changes of one commit; users whom no policy restricts by records or fields cost nothing."""

    def __init__(self, bindings: Bindings, records: IdentityMap, user: User, dao_records: DaoRecords) -> None:
        self._bindings = bindings
        self._records = records
        self._user = user
        self._visible = SemiJoins(bindings, user, is_living=True)
        self._related = RelatedReader(SemiJoins(bindings, SYSTEM), dao_records)
        self._deciding = Deciding(bindings, records, SemiJoins(bindings, SYSTEM, joins=False), self._related)

    # --- references ---------------------------------------------------------------------------------------------------

    async def demand_references(self) -> None:
        """Refuse new references to records that the user may not see, as those to records that are not there.

        Raises ValidationError with every one of them.
        """
        records = self._records
        changed = [*records.new.values(), *records.dirty.values()]
        asked: dict[Binding, dict[Key, list[tuple[Record, str]]]] = {}
        for number, record in enumerate(changed):
            binding = self._bindings.of_model(type(record))
            place = f"{binding.collection}[{number}]." if len(changed) > 1 else ""
            for relationship in binding.relationships:
                if self._is_guarded(relationship.target):
                    for key, path in self._new_keys(relationship, record):
                        found = asked.setdefault(relationship.target, {})
                        found.setdefault(key, []).append((record, place + path))
        for edit in records.backs.edits.values():
            track = track_of(edit.owner)
            if track is None or track.link is None:
                continue
            source = self._source(self._bindings.of_model(type(edit.owner)), edit.name)
            if source is not None and self._is_guarded(source):
                for key in map(_key_in, [*edit.added, *edit.removed]):
                    if key is not None and not self._is_new(source, key):
                        asked.setdefault(source, {}).setdefault(key, []).append((edit.owner, edit.name))
        errors, names = list[FieldError](), set[str]()
        for target, places in asked.items():
            seen = await self._seen(target, list(places))
            for key in places.keys() - seen:
                for record, path in places[key]:
                    errors.append(FieldError(path, "reference", "refers to a record that does not exist"))
                    names.add(type(record).__name__)
        if errors:
            errors.sort(key=lambda error: error.path)
            raise ValidationError(names.pop() if len(names) == 1 else "commit", errors)

    def _is_guarded(self, binding: Binding) -> bool:
        return self._visible.visible.guarded(binding) is not None

    def _source(self, owner: Binding, name: str) -> Binding | None:
        field = owner.declaration.by_name[name]
        return next((bond.source for bond in owner.bound_by if field in bond.backs), None)

    def _new_keys(self, relationship: Relationship, record: Record) -> Iterable[tuple[Key, str]]:
        field, before = relationship.field, set[Key]()
        if state_of(record) is not State.NEW:
            old = old_of(record)
            if field.root.name not in old:
                return
            before = {_key_in(item) for item in items_of(field, slot_of(field, old[field.root.name]))}
        for item, path in placed_items(field, field.root.get(record)):
            key = _key_in(item)
            held = record_in(item) if item.__class__ is Reference else None
            is_new = held is not None and state_of(held) is State.NEW
            if key is not None and key not in before and not is_new and not self._is_new(relationship.target, key):
                yield key, path

    def _is_new(self, binding: Binding, key: Key) -> bool:
        record = self._records.find(binding.model, key)
        return record is not None and state_of(record) is State.NEW

    async def _seen(self, binding: Binding, keys: list[Key]) -> set[Key]:
        """Those of the keys that records have which the user may read."""
        if binding.record_access is not None:
            stored = await self._stored(binding, keys)
            return await self._meeting(binding, binding.policy.bound(Right.READ, self._user), stored)
        found, access = set[Value](), self._visible.access(binding)
        paths = tuple([(name,) for name in binding.schema.key])
        for part in chunks(binding, keys):
            rows = await access.fetch(Query(binding.collection, having_keys(binding, part), projection=paths))
            found.update(row[0] if len(row) == 1 else tuple(row) for row in rows)
        return found

    async def _stored(self, binding: Binding, keys: list[Key]) -> dict[Key, Row]:
        return await self._related.whole_rows(binding, keys)

    async def _meeting(self, binding: Binding, condition: Condition, rows: Mapping[Key, Row]) -> set[Key]:
        return await rows_meeting(self._deciding, binding, condition, rows)

    # --- records ------------------------------------------------------------------------------------------------------

    async def demand_records(self) -> None:
        """Refuse changes of records that the user may not make.

        Raises NotFound for a stored record that he may not read, Forbidden where a rule is not met before or after the
        change, ValidationError for fields that he may not write and values that are not valid for him.
        """
        records, passed = (
            self._records,
            self._records.system_changes | self._records.consequences | self._records.moving.keys(),
        )
        groups: dict[tuple[Binding, Right], list[Record]] = {}
        for right, group in (
            (Right.CREATE, list(records.new.values())),
            (Right.UPDATE, changed_otherwise(records.dirty.values())),
            (Right.DELETE, [*records.deleted.values(), *turned(records.dirty.values())]),
        ):
            for record in group:
                binding = self._bindings.of_model(type(record))
                if not binding.policy.is_plain and id(record) not in passed:
                    groups.setdefault((binding, right), []).append(record)
        for number, record in records.rekeyed.items():
            binding = self._bindings.of_model(type(record))
            if not binding.policy.is_plain and number in records.moving:
                groups.setdefault((binding, Right.UPDATE), []).append(record)
        for (binding, right), found in groups.items():
            if right is Right.CREATE:
                await self._created(binding, found)
            else:
                await self._changed(binding, right, found)

    async def _created(self, binding: Binding, group: list[Record]) -> None:
        parts = binding.policy.parts(Right.CREATE, self._user)
        subjects = [Subject(binding, row_of(binding, record), record) for record in group]
        kept = [await self._deciding.meet(condition, subjects) for _, condition in parts]
        for place, subject in enumerate(subjects):
            holding = [part for (part, _), met in zip(parts, kept, strict=True) if met[place]]
            await self._demand(binding, Right.CREATE, subject, subject, holding, ())

    async def _changed(self, binding: Binding, right: Right, group: list[Record]) -> None:
        keys = [self._key_of(binding, record) for record in group]
        stored = await self._stored(binding, keys)
        seen = await self._meeting(binding, binding.policy.bound(Right.READ, self._user), stored)
        for key in keys:
            if key not in seen:
                raise NotFound(binding.collection, key)
        parts = binding.policy.parts(right, self._user)
        before = [Subject(binding, stored[key]) for key in keys]
        after = [
            Subject(binding, row_after(binding, stored[key], each), each) for key, each in zip(keys, group, strict=True)
        ]
        kept = [await self._deciding.meet(condition, before) for _, condition in parts]
        if right is Right.UPDATE:
            later = [await self._deciding.meet(condition, after) for _, condition in parts]
            kept = [[one and two for one, two in zip(*both, strict=True)] for both in zip(kept, later, strict=True)]
        for place, record in enumerate(group):
            holding = [part for (part, _), met in zip(parts, kept, strict=True) if met[place]]
            changed = self._changed_names(binding, record) if right is Right.UPDATE else ()
            await self._demand(binding, right, before[place], after[place], holding, changed)

    def _key_of(self, binding: Binding, record: Record) -> Key:
        """The key under which the store has a record, be it on its way to another."""
        before = self._records.moving.get(id(record))
        if before is None:
            return self._records.stored_key(record)
        parts = tuple([field.encode(before[field.name]) for field in binding.declaration.key])
        return parts if len(parts) > 1 else parts[0]

    def _changed_names(self, binding: Binding, record: Record) -> tuple[str, ...]:
        before, version = self._records.moving.get(id(record)), binding.declaration.version
        if before is None:
            return tuple(old_of(record))
        return tuple([name for name in before if version is None or name != version.name])

    async def _demand(
        self,
        binding: Binding,
        right: Right,
        before: Subject,
        after: Subject,
        holding: list[Part],
        changed: tuple[str, ...],
    ) -> None:
        """Refuse a change that none of the policies allows which hold for its record."""
        if not holding:
            raise Forbidden(right, binding.collection)
        refused: list[FieldError] = []
        for part in holding:
            errors = await self._field_errors(binding, part, right, before, changed)
            condition = part.valid.get(right)
            if not errors and (condition is None or (await self._deciding.meet(condition, [after]))[0]):
                return
            refused = errors or [FieldError("", "policy", "is not valid for this user")]
        raise ValidationError(binding.model.__name__, refused)

    async def _field_errors(
        self, binding: Binding, part: Part, right: Right, before: Subject, changed: tuple[str, ...]
    ) -> list[FieldError]:
        errors, hidden = list[FieldError](), binding.policy.hidden(self._user)
        for name in sorted(changed):
            rights = part.fields.get(name)
            if rights is not None and right is Right.UPDATE:
                (may,) = await self._deciding.meet(bound(rights.update, self._user), [before])
                if not may:
                    is_secret = name in hidden
                    errors.append(
                        unknown_field(name) if is_secret else FieldError(name, "read_only", "cannot be given")
                    )
        return errors


def _key_in(item: Value) -> Key:
    return item.key if item.__class__ is Reference else item
