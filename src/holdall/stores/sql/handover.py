"""Unique values that pass from one record to another within one ``apply``: who must let go before anything is written.

Databases hold each statement against the rows as they are at that moment, and only the state in the end is to count.
So a row that holds what another is to get is first given a value that nobody has. Pure: it never meets a connection.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from secrets import token_bytes, token_hex
from uuid import uuid4

import msgspec

from holdall.query import FieldSchema, Key, Kind, Schema, Value
from holdall.store import Change, KeyOf, Row, Verb
from holdall.stores.sql.lock_order import Batch

__all__ = ["Claim", "Holder", "claims", "unlike_any"]


_START = datetime(1970, 1, 1, tzinfo=UTC)


class Holder(msgspec.Struct):
    """A record that will let go of its values in one rule, in ``field`` first, and its change's position."""

    key: Key
    field: FieldSchema
    position: int


class Claim(msgspec.Struct):
    """Values that records are to get in ``fields``, of one unique rule, and by key those that may hold them until then.

    ``positions`` are those of the changes, in the order of ``rows``.
    """

    collection: str
    fields: tuple[FieldSchema, ...]
    rows: list[Row]
    positions: list[int]
    holders: dict[Key, Holder]


def claims(batches: Sequence[Batch], changes: Sequence[Change], schema_of: Callable[[str], Schema]) -> list[Claim]:
    """Return the values that may pass on from one record to another; nothing where no record both lets go and another
    takes.
    """
    found: list[Claim] = []
    for name in sorted({batch.collection for batch in batches if batch.verb is not Verb.ADD}):
        schema = schema_of(name)
        if schema.unique:
            of_collection = [batch for batch in batches if batch.collection == name]
            for rule in schema.unique:
                found.extend(_claims(schema, rule, of_collection, changes))
    return found


def _claims(schema: Schema, rule: tuple[str, ...], batches: list[Batch], changes: Sequence[Change]) -> Iterator[Claim]:
    taking, freeing = list[Batch](), list[tuple[Batch, FieldSchema]]()
    for batch in batches:
        given = rule if batch.verb is Verb.REMOVE else changes[batch.positions.start].fields
        if batch.verb is not Verb.REMOVE and not set(rule).isdisjoint(given):
            taking.append(batch)
        named = [schema.by_name[field] for field in rule if field in given and field not in schema.key]
        if batch.verb is not Verb.ADD and named:
            freeing.append((batch, max(named, key=_ease)))
    if not taking or not freeing or (len(taking) == len(freeing) == 1 and _is_one(taking[0], freeing[0][0])):
        return
    holders = {
        changes[place].key: Holder(changes[place].key, field, place)
        for batch, field in freeing
        for place in batch.positions
        if not isinstance(changes[place].key, KeyOf)
    }
    for batch in taking:
        fields = changes[batch.positions.start].fields
        places = [fields.index(name) for name in rule if name in fields]
        rows, positions = list[Row](), list[int]()
        for position in batch.positions:
            values = changes[position].values
            row = tuple([values[place] for place in places])
            if not any(map(_is_nobodys, row)):
                rows.append(row)
                positions.append(position)
        if rows:
            yield Claim(schema.name, tuple([schema.by_name[fields[p]] for p in places]), rows, positions, holders)


def _is_one(taking: Batch, freeing: Batch) -> bool:
    """Whether one change alone lets go and takes."""
    return taking is freeing and len(taking.positions) == 1


def _is_nobodys(value: object) -> bool:
    """Whether no record that is stored can have this value: nothing is never the same, and a new key is new."""
    return value is None or isinstance(value, KeyOf) or (isinstance(value, tuple) and any(map(_is_nobodys, value)))


def _ease(field: FieldSchema) -> int:
    """How easily a value is found that nobody has."""
    if field.nullable:
        return 3
    return 0 if field.kind is Kind.BOOL else 1 if field.kind is Kind.REF else 2


def unlike_any(field: FieldSchema) -> Value:
    """A value for the field that surely, or almost surely, no record has."""
    if field.nullable:
        return None
    if field.kind is Kind.REF:
        parts = tuple([_drawn(part) for part in field.target_key])
        return parts if len(parts) > 1 else parts[0]
    return _drawn(field)


def _drawn(field: FieldSchema) -> Value:
    match field.kind:
        case Kind.STR:
            return token_hex(16)[: field.max_length]
        case Kind.BYTES:
            return token_bytes(16)[: field.max_length]
        case Kind.UUID:
            return uuid4()
        case Kind.INT:
            return -random.randrange(1, 2**31)  # noqa: S311
        case Kind.FLOAT:
            return -random.random() * 2**31  # noqa: S311
        case Kind.DECIMAL:
            size = min(field.digits or 18, 18)
            return -Decimal(random.randrange(1, 10**size)).scaleb(-(field.places or 0))  # noqa: S311
        case Kind.DATETIME:
            return _START + timedelta(microseconds=random.getrandbits(51))
        case Kind.DATE:
            return date.fromordinal(random.randrange(400_000, 900_000))  # noqa: S311
        case Kind.TIME:
            return (_START + timedelta(microseconds=random.randrange(86_400_000_000))).time()  # noqa: S311
        case Kind.TIMEDELTA:
            return timedelta(microseconds=-random.getrandbits(45))
        case _:
            return random.random() < 0.5  # noqa: S311
