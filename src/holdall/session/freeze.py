"""The first part of a commit, without I/O: check every changed record and lay the changes in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdall.errors import FieldError, StateError, ValidationError
from holdall.model import Reference, State, state_of, track_of
from holdall.policy import Right, User
from holdall.query import Generated
from holdall.session.binding import Binding, Bindings
from holdall.session.identity import IdentityMap
from holdall.session.order import Edge, order_nodes
from holdall.session.plan import Entry, Plan, Step
from holdall.session.uuid7 import uuid7
from holdall.store import Verb

__all__ = ["make_plan"]


def make_plan(records: IdentityMap, bindings: Bindings, user: User) -> Plan:
    """The plan for everything changed.

    Raises ValidationError with everything that is wrong in any record, StateError for a reference to a record the session does
    not hold, Forbidden where the user lacks a right.
    """
    new, dirty, deleted = list(records.new.values()), list(records.dirty.values()), list(records.deleted.values())
    _demand_rights(bindings, user, ((Right.CREATE, new), (Right.UPDATE, dirty), (Right.DELETE, deleted)))
    _validate(bindings, new, dirty)
    for record in new:
        _prepare_new(record, bindings.of_model(type(record)))
    adds, late = _adds(records, bindings, new)
    updates = [_update(record, bindings.of_model(type(record)), records) for record in dirty]
    removes = _removes(bindings, deleted)
    return Plan(_steps([*adds, *_grouped(updates + late), *removes]))


def _demand_rights(bindings: Bindings, user: User, groups: Iterable[tuple[Right, list[Any]]]) -> None:
    if user.unrestricted:
        return
    for right, records in groups:
        for model in {type(record) for record in records}:
            binding = bindings.of_model(model)
            binding.policy.demand(right, user, binding.collection)


def _validate(bindings: Bindings, new: list[Any], dirty: list[Any]) -> None:
    changed = new + dirty
    errors: list[FieldError] = []
    names: set[str] = set()
    for number, record in enumerate(changed):
        declaration = type(record).__holdall__
        found = declaration.validate(record)
        if found:
            names.add(type(record).__name__)
            prefix = "" if len(changed) == 1 else f"{bindings.of_model(type(record)).collection}[{number}]."
            errors.extend(FieldError((prefix + error.path).rstrip("."), error.code, error.message) for error in found)
    if errors:
        raise ValidationError(names.pop() if len(names) == 1 else "commit", errors)


def _prepare_new(record: Any, binding: Binding) -> None:
    """Give a new record what the session makes: UUIDv7 keys and the first version."""
    declaration = binding.declaration
    if declaration.version is not None:
        declaration.version.put(record, 1)
    for field in declaration.key:
        value = field.get(record)
        if value is None and field.generated is Generated.CLIENT:
            field.put(record, uuid7())
        elif value is None and field.generated is Generated.NO:
            raise StateError(f"{binding.collection}.{field.name} is part of the key and has no value")


def _adds(records: IdentityMap, bindings: Bindings, new: list[Any]) -> tuple[list[Entry], list[Entry]]:
    """The additions in order, and the updates that close circles of references."""
    position = {id(record): number for number, record in enumerate(new)}
    edges: list[Edge] = []
    fields_of: dict[tuple[int, int], list[str]] = {}
    for number, record in enumerate(new):
        for field in type(record).__holdall__.relations:
            if not field.is_stored:
                continue
            for target in _referred(field, record):
                _demand_held(records, record, field.name, target)
                other = position.get(id(target))
                if other is not None and field.depends_on:
                    edges.append(Edge(number, other, may_wait=field.nullable or field.form is not None))
                    fields_of.setdefault((number, other), []).append(field.name)
    order = order_nodes(len(new), edges)
    if order.stuck:
        names = sorted({bindings.of_model(type(new[number])).collection for number in order.stuck})
        raise StateError(f"{', '.join(names)} refer to each other in a circle and none may be empty; make one optional")
    waiting: dict[int, set[str]] = {}
    for edge in order.waiting:
        waiting.setdefault(edge.source, set()).update(fields_of[edge.source, edge.target])
    adds = [
        entry
        for level in order.levels
        for entry in _grouped(_add(new[number], bindings, waiting.get(number, set())) for number in level)
    ]
    late = [_late(new[number], bindings, names) for number, names in waiting.items()]
    return adds, late


def _referred(field: Any, record: Any) -> list[Any]:
    """The records at hand that a reference field points at."""
    value = field.get(record)
    items = value if field.form is not None else (value,)
    return [item._record for item in items if item.__class__ is Reference and item._record is not None]


def _demand_held(records: IdentityMap, record: Any, name: str, target: Any) -> None:
    state = state_of(target)
    if state in (State.DELETED, State.DISCARDED):
        raise StateError(f"{type(record).__name__}.{name} refers to a {type(target).__name__} that is {state.value}")
    if state is State.UNBOUND or not records.holds(target):
        raise StateError(
            f"{type(record).__name__}.{name} refers to a {type(target).__name__} this session does not hold; add it first"
        )


def _add(record: Any, bindings: Bindings, left_out: set[str]) -> Entry:
    binding = bindings.of_model(type(record))
    key = record.__key__()
    fields = binding.all_fields
    if key is None or left_out:
        unset = {field.name for field in binding.declaration.key if field.get(record) is None}
        fields = binding.fields_without(frozenset(left_out | unset))
    return Entry(record, binding, Verb.ADD, fields, key=key)


def _late(record: Any, bindings: Bindings, names: set[str]) -> Entry:
    binding = bindings.of_model(type(record))
    return Entry(record, binding, Verb.UPDATE, tuple(sorted(names)), key=record.__key__())


def _update(record: Any, binding: Binding, records: IdentityMap) -> Entry:
    declaration = binding.declaration
    track = track_of(record)
    changed = track.old if track is not None and track.old is not None else {}
    for field in declaration.relations:
        if field.name in changed:
            for target in _referred(field, record):
                _demand_held(records, record, field.name, target)
    key_fields = {field.name for field in declaration.key} & changed.keys()
    if key_fields:
        raise StateError(f"{binding.collection}.{min(key_fields)} is part of the key of a stored record; add a new one")
    version = declaration.version.get(record) if declaration.version is not None else None
    fields = binding.update_fields(frozenset(changed))
    return Entry(record, binding, Verb.UPDATE, fields, key=record.__key__(), version=version)


def _removes(bindings: Bindings, deleted: list[Any]) -> list[Entry]:
    """The removals: what refers to others goes before what it refers to."""
    by_key = {(type(record), record.__key__()): number for number, record in enumerate(deleted)}
    edges = []
    for number, record in enumerate(deleted):
        for field in type(record).__holdall__.relations:
            if field.is_stored and field.form is None and field.target.found is not None:
                other = by_key.get((field.target(), field.encode(field.get(record))))
                if other is not None and other != number:
                    edges.append(Edge(other, number, may_wait=True))
    order = order_nodes(len(deleted), edges)
    return [entry for level in order.levels for entry in _grouped(_remove(deleted[n], bindings) for n in level)]


def _remove(record: Any, bindings: Bindings) -> Entry:
    binding = bindings.of_model(type(record))
    version = binding.declaration.version
    return Entry(
        record, binding, Verb.REMOVE, key=record.__key__(), version=version.get(record) if version is not None else None
    )


def _grouped(entries: Iterable[Entry]) -> list[Entry]:
    """Entries of one kind side by side, so that stores can batch them."""
    groups: dict[tuple[int, Verb, int], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((id(entry.binding), entry.verb, id(entry.fields)), []).append(entry)
    return [entry for group in groups.values() for entry in group]


def _steps(entries: list[Entry]) -> tuple[Step, ...]:
    """One step for each run of entries of one store; where the order allows, one step per store."""
    runs: list[tuple[Any, list[Entry]]] = []
    for entry in entries:
        if not runs or runs[-1][0] is not entry.binding.store:
            runs.append((entry.binding.store, []))
        runs[-1][1].append(entry)
    return tuple(Step(store, tuple(items)) for store, items in runs)
