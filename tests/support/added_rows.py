"""Additions that SQL stores get ready, and the same by ``apply``."""

from __future__ import annotations

from msgspec.structs import replace

from holdall.query import FieldSchema, Generated, Kind, Query, Row, Schema
from holdall.store import Change, Outcome, ReadyAddition, Store, Verb, adding_part

__all__ = ["FIELDS", "ID", "KEYED", "MADE", "NAME", "PAIR", "PRICE", "applied", "ready", "stored"]

ID = FieldSchema("id", Kind.INT)
NAME = FieldSchema("name", Kind.STR, nullable=True)
PRICE = FieldSchema("price", Kind.DECIMAL, nullable=True)
KEYED = Schema("keyed", (ID, NAME, PRICE), ("id",), unique=(("name",),))
MADE = Schema("made", (replace(ID, generated=Generated.STORE), NAME, PRICE), ("id",), unique=(("name",),))
PAIR = Schema("pair", (ID, replace(NAME, nullable=False)), ("id", "name"))
FIELDS = {"keyed": ("id", "name", "price"), "made": ("name", "price"), "pair": ("id", "name")}


def ready(store: Store, name: str) -> ReadyAddition:
    """The addition of this collection, made ready."""
    part = adding_part(store)
    assert part is not None
    add = part.ready_addition(name, FIELDS[name], is_key_made=name == "made")
    assert add is not None
    return add


async def applied(store: Store, name: str, row: Row) -> Outcome:
    """The outcome of the same addition as a change like any other."""
    key = None if name == "made" else row[0]
    (outcome,) = await store.apply([Change(Verb.ADD, name, key, FIELDS[name], row)])
    return outcome


async def stored(store: Store, name: str) -> dict[object, Row]:
    """The rest of each record of this collection, by its key."""
    return {row[0]: tuple(row[1:]) for row in await store.fetch(Query(name))}
