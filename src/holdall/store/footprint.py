"""Footprints: what changes touch, so that a store which reserves can tell whether two groups of changes collide.

A pure function of changes and schemas; it never reads a store. Where the changes alone do not say which unique value a
record will have, the footprint covers every value of that rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import msgspec

from holdall.query import FieldSchema, Key, Kind, Schema, Value
from holdall.store.change import Change, KeyOf, Outcome, Verb
from holdall.store.fencing import Fence

__all__ = ["Footprint", "footprint_of"]

_ANY = "*"
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)  # whatever the thread has set: nothing is rounded


class Footprint(msgspec.Struct, frozen=True):
    """Records and values, each as a text, that a group of changes needs for itself.

    ``written`` are records added or changed, ``removed`` those removed, ``referred`` those that must stay because a
    written record refers to them inside the store. ``unique`` are pairs of a unique rule and a value, or ``*``. A
    ``fence`` is around a whole collection, and collides with nothing by itself: :func:`demand_unreserved` looks at it.

    Example: :func:`footprint_of`.
    """

    written: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    referred: frozenset[str] = frozenset()
    unique: frozenset[tuple[str, str]] = frozenset()
    fence: Fence | msgspec.UnsetType = msgspec.UNSET

    @property
    def collections(self) -> frozenset[str]:
        """The names of the collections it reaches into."""
        records = self.written | self.removed | self.referred
        fenced = [] if self.fence is msgspec.UNSET else [self.fence.collection]
        names = [text.partition("\0")[0] for text in (*records, *(rule for rule, _ in self.unique))]
        return frozenset([*names, *fenced])

    def collides(self, other: Footprint) -> bool:
        """Whether the two cannot both be written as they were checked."""
        changed = other.written | other.removed
        if not self.written.isdisjoint(changed) or not self.removed.isdisjoint(changed):
            return True
        if not self.removed.isdisjoint(other.referred) or not self.referred.isdisjoint(other.removed):
            return True
        if not self.unique.isdisjoint(other.unique):
            return True
        return _meets_any(self.unique, other.unique) or _meets_any(other.unique, self.unique)


def footprint_of(
    changes: Iterable[Change], schemas: Mapping[str, Schema], outcomes: Sequence[Outcome] | None = None
) -> Footprint:
    """Return the footprint of changes to collections of one store; with ``outcomes``, keys that the store made count
    too.

    >>> from holdall.store import Change, Verb
    >>> from holdall.query import FieldSchema, Kind, Schema
    >>> city = Schema("city", (FieldSchema("id", Kind.INT),), ("id",))
    >>> one = footprint_of([Change(Verb.UPDATE, "city", 1)], {"city": city})
    >>> one.collides(footprint_of([Change(Verb.REMOVE, "city", 1)], {"city": city}))
    True
    """
    written: set[str] = set()
    removed: set[str] = set()
    referred: set[str] = set()
    unique: set[tuple[str, str]] = set()
    for place, change in enumerate(changes):
        schema = schemas[change.collection]
        key = _key_of(schema, change, outcomes[place] if outcomes is not None else None)
        if key is not None:
            (removed if change.verb is Verb.REMOVE else written).add(_record(schema.name, key))
        if change.verb is Verb.REMOVE:
            continue
        given = dict(zip(change.fields, change.values, strict=True))
        referred.update(_targets(schema, schemas, given))
        unique.update(_unique(schema, given))
    return Footprint(frozenset(written), frozenset(removed), frozenset(referred), frozenset(unique))


def _key_of(schema: Schema, change: Change, outcome: Outcome | None) -> Key:
    key = change.key
    if key is None and outcome is not None:
        key = outcome.key
    if key is None and change.verb is Verb.ADD:
        given = dict(zip(change.fields, change.values, strict=True))
        parts = tuple([given.get(name) for name in schema.key])
        key = None if None in parts else parts[0] if len(parts) == 1 else parts
    return None if _is_pending(key) else key


def _targets(schema: Schema, schemas: Mapping[str, Schema], given: Mapping[str, Value]) -> Iterator[str]:
    for name, value in given.items():
        field: FieldSchema | None = schema.by_name.get(name)
        if field is None or field.target is None or field.target not in schemas:
            continue
        for key in (value or ()) if field.kind is Kind.MANY else (value,):
            if key is not None and not _is_pending(key):
                yield _record(field.target, key)


def _unique(schema: Schema, given: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for names in schema.unique:
        if given.keys().isdisjoint(names):
            continue
        rule = f"{schema.name}\0{','.join(names)}"
        values = tuple([given[name] for name in names if name in given])
        if any(value is None or _is_pending(value) for value in values):
            continue  # null is never the same, and nobody else has a key that is yet to be made
        yield rule, _text(values) if len(values) == len(names) else _ANY


def _meets_any(some: frozenset[tuple[str, str]], others: frozenset[tuple[str, str]]) -> bool:
    rules = {rule for rule, value in some if value == _ANY}
    return bool(rules) and any(rule in rules for rule, _ in others)


def _is_pending(value: object) -> bool:
    if isinstance(value, tuple):
        return any(map(_is_pending, value))
    return isinstance(value, KeyOf)


def _record(collection: str, key: Key) -> str:
    return f"{collection}\0{_text(key)}"


def _text(value: object) -> str:
    """A text that equal border values share, in every process."""
    if isinstance(value, tuple):
        return f"({','.join(map(_text, value))})"
    if isinstance(value, Decimal):
        return f"Decimal({value.normalize(_EXACT) or 0})"
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return repr(value.astimezone(dt.UTC))
    return repr(value or 0.0 if isinstance(value, float) else value)
