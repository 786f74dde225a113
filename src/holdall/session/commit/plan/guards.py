"""Records that must still be as they were read: what is expected of them goes with their changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from holdall.errors import StateError, Unsupported
from holdall.model import Record, old_of
from holdall.policy import User
from holdall.query import Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.plan import Batch
from holdall.session.identity import IdentityMap
from holdall.store import Expected, Feature, Verb

__all__ = ["checks_of", "expected_of", "guarded", "readable_names", "with_assumptions"]

_MUTABLE = {dict, list}


def readable_names(binding: Binding, user: User, names: Collection[str]) -> Collection[str] | None:
    """These fields, or all, without those that are withheld from the user; None stands for all."""
    if user.unrestricted or not binding.policy.has_fields:
        return names or None
    hidden = binding.policy.hidden(user)
    return [name for name in names or binding.all_fields if name not in hidden]


def expected_of(binding: Binding, record: Record, names: Collection[str] | None = None) -> Expected:
    """Return the values that the store must still have of a record: its stored values, or those of some fields, as they
    were read.

    Raises Unsupported where the store cannot tell, and the model has no version that says the same.
    """
    if not binding.can_expect:
        if binding.declaration.version is None:
            advice = f"give the model of {binding.collection} a version, or leave the precondition out"
            raise Unsupported(binding.store.name, Feature.EXPECTED, advice)
        return Expected((), ())
    compared, before = binding.compared_fields, old_of(record)
    if names is not None:
        compared = tuple([name for name in compared if name in names])
    values: Sequence[Value] = binding.codec.reader(compared)(record)
    if before:
        encode = binding.declaration.by_name
        values = [
            encode[name].encode(before[name]) if name in before else value
            for name, value in zip(compared, values, strict=True)
        ]
    return Expected(compared, tuple(values if _MUTABLE.isdisjoint(map(type, values)) else map(_own, values)))


def with_assumptions(
    guards: Mapping[int, tuple[Record, Expected]], assumptions: Mapping[int, tuple[Record, Expected]]
) -> dict[int, tuple[Record, Expected]]:
    """Values that users expect of records, and those of others by which a commit goes."""
    if not assumptions:
        return dict(guards)
    found = {**assumptions, **guards}
    for number in guards.keys() & assumptions.keys():
        (record, one), (_, other) = guards[number], assumptions[number]
        more = [item for item in zip(other.fields, other.values, strict=True) if item[0] not in one.fields]
        names, values = tuple([name for name, _ in more]), tuple([value for _, value in more])
        found[number] = record, Expected((*one.fields, *names), (*one.values, *values))
    return found


def guarded(batches: Iterable[Batch], guards: Mapping[int, tuple[Record, Expected]]) -> list[Batch]:
    """The batches, with records of which the same is expected in one of their own."""
    found: list[Batch] = []
    for batch in batches:
        if batch.verb is Verb.ADD or guards.keys().isdisjoint(map(id, batch.records)):
            found.append(batch)
            continue
        groups: dict[int | None, list[int]] = {}
        for place, record in enumerate(batch.records):
            guard = guards.get(id(record))
            groups.setdefault(id(guard[1]) if guard is not None else None, []).append(place)
        for places in groups.values():
            guard = guards.get(id(batch.records[places[0]]))
            expected = guard[1] if guard is not None and guard[1].fields else None
            found.append(msgspec.structs.replace(_part(batch, places), expected=expected))
    return found


def checks_of(records: IdentityMap, bindings: Bindings, batches: list[Batch]) -> list[Batch]:
    """The batches that compare those records of which something is expected and which are not written.

    Raises StateError where the store of one cannot: nothing would compare it.
    """
    written = {id(record) for batch in batches for record in batch.records}
    found: list[Batch] = []
    for number, (record, expected) in records.guards.items():
        if number in written or not records.holds(record):
            continue
        binding = bindings.of_model(type(record))
        if not binding.can_check:
            if number in records.idle_guards:
                continue
            raise StateError(
                f"{binding.collection} {records.stored_key(record)!r} is expected to be as it was read, and this commit"
                f" does not write it: store {binding.store.name!r} compares only what is written; change or remove the"
                " record too, or leave expect() out"
            )
        version = binding.declaration.version
        found.append(
            Batch(
                binding,
                Verb.UPDATE,
                [record],
                [records.stored_key(record)],
                versions=None if version is None else [version.get(record)],
                expected=expected if expected.fields else None,
            )
        )
    return found


def _part(batch: Batch, places: list[int]) -> Batch:
    if len(places) == len(batch.records):
        return batch
    versions = batch.versions
    return msgspec.structs.replace(
        batch,
        records=[batch.records[place] for place in places],
        keys=[batch.keys[place] for place in places],
        versions=None if versions is None else [versions[place] for place in places],
    )


def _own(value: object) -> Value:
    """The value, with copies of lists and objects that may be changed in place."""
    if isinstance(value, dict):
        return {name: _own(item) for name, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value
