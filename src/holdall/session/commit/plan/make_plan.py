"""The first part of a commit, without I/O: check every changed record and lay the changes in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any

from holdall.errors import FieldError, StateError, ValidationError
from holdall.model import Declaration, Field, Model, Record, State, old_values_of, state_of
from holdall.policy import User
from holdall.query import Key
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.additions import additions, by_binding, prepare_new
from holdall.session.commit.plan.guards import checks_of, guarded, with_assumptions
from holdall.session.commit.plan.kept_files import guards_of_files
from holdall.session.commit.plan.mends import mends_of, removals_of
from holdall.session.commit.plan.order import Order, order_nodes
from holdall.session.commit.plan.plan import Batch, Plan
from holdall.session.commit.plan.reference_edges import addition_edges, removal_edges
from holdall.session.commit.plan.referenced_records import referenced_records
from holdall.session.commit.plan.rights import demand_rights
from holdall.session.commit.plan.schedule_steps import schedule_steps
from holdall.session.commit.plan.stamps import put_stamps
from holdall.session.commit.plan.state_moves import guards_of_states, refused_moves
from holdall.session.identity import IdentityMap
from holdall.store import Verb

__all__ = ["make_plan", "written_version"]


def make_plan(records: IdentityMap, bindings: Bindings, user: User) -> Plan:
    """The plan for everything changed.

    Raises ValidationError with everything that is wrong in any record, StateError for a reference to a record the
    session does not hold, Forbidden where the user lacks a right.
    """
    new, dirty, deleted = list(records.new.values()), list(records.dirty.values()), list(records.deleted.values())
    models_new, models_dirty = set(map(type, new)), set(map(type, dirty))
    demand_rights(records, bindings, user)
    _validate(records, bindings, user, new + dirty, models_new | models_dirty)
    _demand_references(records, bindings, new + dirty, models_new | models_dirty)
    records.unstamp()
    records.stamped.extend(put_stamps(bindings, user, new, dirty, models_new | models_dirty))
    for binding, group in by_binding(bindings, new, models_new):
        prepare_new(binding, group, records.moving)
        _demand_own_keys(records, binding, group)
    edges, fields = addition_edges(new, models_new)
    order = order_nodes(len(new), list(edges)) if edges else Order((tuple(range(len(new))),))
    _refuse_stuck(order, new)
    adds, late = additions(bindings, new, order, fields)
    if records.origins:
        _note_origins(adds, records.origins)
    mends: list[Batch] = []
    if records.mended:
        mends, dirty = mends_of(bindings, dirty, records.mended)
    early, dirty = _releasing(bindings, dirty, models_dirty)
    updates = _updates(bindings, dirty, models_dirty) if dirty else []
    first = _updates(bindings, early, models_dirty) if early else []
    batches = [*first, *adds, *updates, *mends, *late, *_removes(bindings, deleted, records.mended)]
    states = guards_of_states(bindings, [*early, *dirty], models_dirty)
    kept = guards_of_files(bindings, [*early, *dirty], models_dirty)
    if records.guards or records.assumptions or states or kept:
        checks = checks_of(records, bindings, batches)
        guards = with_assumptions(with_assumptions(records.guards, records.assumptions), with_assumptions(states, kept))
        batches = [*guarded(batches, guards), *checks]
    for batch in batches:
        batch.binding.demand_writable()  # a value may have been changed in place
        if batch.binding.record_access is not None:
            batch.binding.record_access.demand(batch.verb, batch.binding.collection)
    is_linked = (bool(edges) and _makes_keys(adds)) or _awaits_keys(dirty, models_dirty)
    if bindings.moves is not None and (notes := bindings.moves.notes(batches)):
        is_linked = _take_rows(records, batches, notes) or is_linked
    if bindings.listening is not None and (rows := bindings.listening.rows(batches, user)):
        is_linked = _take_rows(records, batches, rows) or is_linked
    steps = schedule_steps(batches, is_linked=is_linked)
    return Plan(steps, records.bulk_to_make)


def _note_origins(adds: list[Batch], origins: Mapping[int, Key]) -> None:
    """Have the batches know the former keys of records that are added anew."""
    for batch in adds:
        keys = [origins.get(id(record)) for record in batch.records]
        batch.origins = keys if any(key is not None for key in keys) else None


def _take_rows(records: IdentityMap, batches: list[Batch], rows: list[Batch]) -> bool:
    """Add rows that are kept with the commit; return whether any waits for a key that a store is to make."""
    batches += rows
    records.states.track_rows([record for batch in rows for record in batch.records])
    return any(batch.awaits for batch in rows)


def written_version(model: str, name: str) -> str:
    """The refusal of a stored record whose version was written to."""
    return f"{model}.{name} is counted by commits and cannot be written; refresh() the record to have what is stored"


def _releasing(bindings: Bindings, dirty: list[Record], models: set[type[Model]]) -> tuple[list[Any], list[Any]]:
    """The changed records that give up a unique reference, which goes before others take it; and the rest."""
    releasable = {model: fields for model in models if (fields := bindings.of_model(model).releasable)}
    if not releasable:
        return [], dirty
    early = [record for record in dirty if _yields(record, releasable.get(type(record), ()))]
    gone = set(map(id, early))
    return early, [record for record in dirty if id(record) not in gone]


def _yields(record: Record, releasable: tuple[Field, ...]) -> bool:
    old = old_values_of([record])[0] or {}
    changed = [field for field in record.__holdall__.references if field.name in old]
    emptied = all(not _keys_or_records(field.get(record)) for field in changed)
    return emptied and any(field in releasable for field in changed)


def _keys_or_records(slot: object) -> bool:
    return slot is not None and slot != ()


def _numbered(
    records: list[Record], models: set[type[Model]], is_concerned: Callable[[Declaration], bool]
) -> list[tuple[int, Any]]:
    """The records, which are of these models, whose model is concerned, with their places among all; mostly none."""
    chosen = {model for model in models if is_concerned(model.__holdall__)}
    return [(number, record) for number, record in enumerate(records) if type(record) in chosen] if chosen else []


def _is_checked_late(declaration: Declaration) -> bool:
    return bool(declaration.checks or declaration.mutable or declaration.machines)


def _referring(records: list[Record], models: set[type[Model]]) -> list[tuple[int, Any]]:
    return _numbered(records, models, lambda declaration: bool(declaration.references))


def _validate(
    records: IdentityMap, bindings: Bindings, user: User, changed: list[Record], models: set[type[Model]]
) -> None:
    """Check what a write to a field could not: values changed in place, rules over several fields, transitions."""
    errors: list[FieldError] = []
    names: set[str] = set()
    concerned = _numbered(changed, models, _is_checked_late)
    for number, record in concerned:
        found = record.__holdall__.validate(record)
        if record.__holdall__.machines:
            found = [*found, *refused_moves(bindings.of_model(type(record)), user, record, records.moving)]
        if found:
            names.add(type(record).__name__)
            prefix, whose = "", ""
            if len(changed) > 1:  # by its place in the commit, and by its key where it has one
                prefix, key = f"{bindings.of_model(type(record)).collection}[{number}].", record.__key__()
                whose = "" if key is None else f" (its key is {key!r})"
            errors += [FieldError((prefix + e.path).rstrip("."), e.code, e.message + whose) for e in found]
    if errors:
        raise ValidationError(names.pop() if len(names) == 1 else "commit", errors)


def _demand_own_keys(records: IdentityMap, binding: Binding, group: list[Any]) -> None:
    """File new records under their current keys; refuse two with one key."""
    known, keys = records.of(binding.model), list(map(binding.declaration.key_of, group))
    if all(map(is_, map(known.get, keys), group)):
        return
    records.index_new(binding.model)
    for key, record in zip(keys, group, strict=True):
        if key is not None and known.get(key) is not record:
            raise StateError(f"this session already holds another {binding.collection} with this key")


def _demand_own_key(binding: Binding, place: str) -> None:
    """Raise StateError unless a new record of the collection gets its key before it is sent."""
    if len(binding.session_keys) < len(binding.declaration.key):
        name = binding.model.__name__
        raise StateError(
            f"{place} refers to a new {name} whose key its store is to make: commit that one first, or flush() it in a"
            " transaction() with this one, or give it a key"
        )


def _makes_keys(adds: list[Batch]) -> bool:
    """Whether stores are to make the keys of some of the new records."""
    return any(None in batch.keys for batch in adds)


def _awaits_keys(dirty: list[Record], models: set[type[Model]]) -> bool:
    """Whether any of these refers to a record whose key is yet to be made."""
    return any(
        target.__key__() is None
        for _, record in _referring(dirty, models)
        for field in record.__holdall__.references
        for target in referenced_records(field, record)
    )


def _demand_references(
    records: IdentityMap, bindings: Bindings, changed: list[Record], models: set[type[Model]]
) -> None:
    """Refuse references to records that this commit will not leave in a store, and those inside values to records whose
    key only the store makes: it would come too late.
    """
    for _, record in _numbered(changed, models, lambda declaration: bool(declaration.outgoing)):
        for field in record.__holdall__.outgoing:
            for target in referenced_records(field, record):
                if field.root is not field and target.__key__() is None:
                    _demand_own_key(bindings.of_model(type(target)), f"{type(record).__name__}.{field.name}")
                state = state_of(target)
                if state in (State.DELETED, State.DISCARDED, State.UNBOUND) or not records.holds(target):
                    advice = "add it first" if state is State.UNBOUND else f"it is {state.value} elsewhere or here"
                    place = f"{type(record).__name__}.{field.name}"
                    raise StateError(f"{place} refers to a {type(target).__name__} not of this session; {advice}")


def _refuse_stuck(order: Order, new: list[Record]) -> None:
    if order.stuck:
        names = sorted({type(new[number]).__name__ for number in order.stuck})
        raise StateError(f"{', '.join(names)} refer to each other in a circle and none may be empty; make one optional")


def _updates(bindings: Bindings, dirty: list[Record], models: set[type[Model]]) -> list[Batch]:
    batches = []
    for binding, group in by_binding(bindings, dirty, models):
        declaration = binding.declaration
        key_names, version = {field.name for field in declaration.key}, declaration.version
        merged: dict[tuple[str, ...], list[Any]] = {}
        for names, records in _by_changed(group):
            if not key_names.isdisjoint(names):
                raise StateError(f"{binding.collection}: the key of a stored record is changed by change_key()")
            if version is not None and version.name in names:
                raise StateError(written_version(binding.model.__name__, version.name))
            merged.setdefault(binding.update_fields(frozenset(names)), []).extend(records)
        for fields, records in merged.items():
            keys = list(map(declaration.key_of, records))
            batches.append(Batch(binding, Verb.UPDATE, records, keys, fields, _versions(binding, records)))
    return batches


def _by_changed(group: list[Any]) -> list[tuple[tuple[str, ...], list[Any]]]:
    """The records with the same fields changed side by side."""
    changed = old_values_of(group)
    every = set().union(*changed)
    if sum(map(len, changed)) == len(every) * len(group):  # each has every field that any has
        return [(tuple(every), group)]
    groups: dict[tuple[str, ...], list[Any]] = {}
    for names, record in zip(map(tuple, changed), group, strict=True):
        groups.setdefault(names, []).append(record)
    return list(groups.items())


def _versions(binding: Binding, records: list[Record]) -> list[int] | None:
    version = binding.declaration.version
    return None if version is None else list(map(version.get, records))


def _removes(bindings: Bindings, deleted: list[Record], mended: set[int]) -> list[Batch]:
    if not deleted:
        return []
    batches = []
    for level in order_nodes(len(deleted), removal_edges(deleted)).levels:
        for binding, group in by_binding(bindings, [deleted[number] for number in level]):
            keys = list(map(binding.declaration.key_of, group))
            batch = Batch(binding, Verb.REMOVE, group, keys, versions=_versions(binding, group))
            batches += removals_of(batch) if mended else [batch]
    return batches
