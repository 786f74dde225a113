"""Whether a collection can lie in another store, and what it would lose there: each loss has a name."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from holdall.errors import StateError, Unsupported
from holdall.session import Binding
from holdall.session.binding import Relationship
from holdall.store import (
    Feature,
    Fencing,
    Placed,
    Preparable,
    Store,
    Transactional,
    can_keep_rows,
    demand_schema,
)

__all__ = ["Loss", "demand_accepted", "demand_movable", "losses"]

_OF_DECLARATIONS = frozenset(
    {
        Feature.COMPOSITE_KEYS,
        Feature.FOREIGN_KEYS,
        Feature.GENERATED_KEYS,
        Feature.GENERATED_PARTS,
        Feature.KEYLESS,
        Feature.SERVER_VALUES,
        Feature.STORED_MANY,
        Feature.STREAMS,
        Feature.UNIQUE,
        Feature.VERSIONS,
    }
)
"""Features whose absence matters only to collections that declare something that needs them."""


class Loss(msgspec.Struct, frozen=True):
    """Something that a collection has where it lies, and has not where it is to go.

    >>> print(Loss("durability", "store 'cache' forgets what was written when its process ends"))
    durability: store 'cache' forgets what was written when its process ends
    """

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def demand_movable(moving: Binding, there: Binding) -> None:
    """Raise Unsupported, by name, where a collection cannot be moved; StateError where it would go to where it is."""
    source, target, name = moving.store, there.store, moving.collection
    if moving.record_access is not None or moving.is_keyless or moving.is_read_only or moving.has_server_values:
        raise Unsupported(source.name, f"moving {name}", "its records are not read and written whole, by key")
    if moving.schema.streams:
        raise Unsupported(source.name, f"moving {name}", "its streams lie beside its records; move it without them")
    if source is target or (
        isinstance(source, Placed) and isinstance(target, Placed) and source.place and source.place == target.place
    ):
        raise StateError(f"{name} lies in store {source.name!r}, which is the same place as {target.name!r}")
    if not isinstance(source, Fencing) or not isinstance(source, Preparable):
        told = "its writers look at no reservations, so one could write past the move: stop them, export and import"
        raise Unsupported(source.name, f"moving {name} away while it is written", told)
    if not can_keep_rows(target):
        told = "it does not write a batch of records together with the note of how far the move is"
        raise Unsupported(target.name, f"taking {name} over", told)
    demand_schema(target.name, target.capabilities, there.schema)
    own = [each.name for each in moving.relationships if each.target is moving]
    if own and Feature.FOREIGN_KEYS in target.capabilities.features:
        told = f"{own[0]} leads to records of the same collection, which its tables want to be there before"
        raise Unsupported(target.name, f"taking {name} over", told)


def losses(moving: Binding, target: Store) -> list[Loss]:
    """Return what the collection would lose."""
    source, found = moving.store, list[Loss]()
    had, has = source.capabilities, target.capabilities
    if had.is_durable and not has.is_durable:
        found.append(Loss("durability", f"store {target.name!r} forgets what was written when its process ends"))
    if isinstance(source, Transactional) and not isinstance(target, Transactional):
        found.append(Loss("transactions", f"session.transaction({target.name!r}) is refused"))
    for feature in sorted(had.features - has.features - _OF_DECLARATIONS):
        found.append(Loss(feature.value, f"store {target.name!r} has none; docs/stores.md says what is done then"))
    for operator in sorted(had.operators - has.operators):
        found.append(Loss(f"operator {operator.value}", f"store {target.name!r} refuses conditions with it"))
    if had.locks - has.locks:
        found.append(Loss("locks", f"store {target.name!r} locks no records that are read"))
    keeps, kept = (Feature.FOREIGN_KEYS in each.features for each in (had, has))
    leading = [each for each in moving.relationships if _has_columns(each)]
    bound_by = [each for each in moving.bound_by if _has_columns(each)]
    found += [_kept(each, source) for each in leading if keeps and each.target.store is source]
    found += [_holding(each, source) for each in bound_by if keeps and each.source.store is source]
    found += [_lacking(each, target) for each in bound_by if kept and each.source.store is target]
    return found


def _has_columns(relationship: Relationship) -> bool:
    """Whether a database can keep a reference: none looks into the values of a field."""
    return relationship.field.root is relationship.field


def demand_accepted(moving: Binding, target: Store, found: Collection[Loss], accepted: Collection[str]) -> None:
    """Raise StateError where something would be lost that is not accepted, or accepted that is no loss."""
    names = {each.name for each in found}
    if unknown := sorted(set(accepted) - names):
        told = ", ".join(sorted(names)) or "nothing"
        raise StateError(f"{unknown[0]!r} is not lost by moving {moving.collection} to {target.name!r}; lost is {told}")
    if left := [each for each in found if each.name not in accepted]:
        told = "; ".join(map(str, left))
        raise StateError(
            f"by moving {moving.collection} to store {target.name!r} it loses {told}. Accept each by its name, as in"
            f" accept=[{left[0].name!r}]"
        )


def _kept(each: Relationship, source: Store) -> Loss:
    told = f"store {source.name!r} keeps it in the step that writes; afterwards sessions look before they commit"
    return Loss(f"reference {each.name}", told)


def _holding(each: Relationship, source: Store) -> Loss:
    told = f"the foreign key in {source.name!r} would lead to records that are elsewhere: drop it by a revision first"
    return Loss(f"foreign key {each.name}", told)


def _lacking(each: Relationship, target: Store) -> Loss:
    told = f"store {target.name!r} will be taken to keep it, and its table has no foreign key: add it after the move"
    return Loss(f"foreign key {each.name}", told)
