"""The small collections these tests keep, and the changes they make."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from holdall.query import Compare, FieldSchema, Generated, Kind, ManyForm, Op, Query, Schema
from holdall.store import Change, Verb
from holdall.stores.yaml import Layout, YamlStore

T = TypeVar("T")

CODE = FieldSchema("code", Kind.STR)
COUNTRY = Schema(
    "Country",
    (
        CODE,
        FieldSchema("name", Kind.STR),
        FieldSchema("population", Kind.INT, nullable=True),
        FieldSchema("area", Kind.DECIMAL, nullable=True, digits=12, places=2),
        FieldSchema("founded", Kind.DATE, nullable=True),
        FieldSchema("notes", Kind.JSON, nullable=True),
        FieldSchema("neighbours", Kind.MANY, nullable=True, target="Country", target_key=(CODE,), form=ManyForm.LIST),
    ),
    ("code",),
)
CITY = Schema(
    "City",
    (
        FieldSchema("id", Kind.INT, generated=Generated.STORE),
        FieldSchema("name", Kind.STR),
        FieldSchema("country", Kind.REF, nullable=True, target="Country", target_key=(CODE,)),
        FieldSchema("visits", Kind.INT),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("name",),),
)


def atlas(root: Path, layout: Layout = "record", **options: Any) -> YamlStore:
    """A store of countries and cities, its folder made."""
    store = YamlStore("atlas", root, layout=layout, **options)
    store.bind([COUNTRY, CITY])
    run(store.create())
    return store


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def rows(store: YamlStore, collection: str) -> dict[Any, tuple[Any, ...]]:
    return {row[0]: row for row in run(store.fetch(Query(collection)))}


def row(store: YamlStore, collection: str, key: Any) -> tuple[Any, ...] | None:
    name = {"Country": "code", "City": "id"}[collection]
    found = run(store.fetch(Query(collection, Compare((name,), Op.EQ, key))))
    return found[0] if found else None


def add(collection: str, key: Any = None, **values: Any) -> Change:
    return Change(Verb.ADD, collection, key, tuple(values), tuple(values.values()))


def update(collection: str, key: Any, expected: int | None = None, /, **values: Any) -> Change:
    return Change(Verb.UPDATE, collection, key, tuple(values), tuple(values.values()), expected)


def remove(collection: str, key: Any, expected: int | None = None) -> Change:
    return Change(Verb.REMOVE, collection, key, version=expected)
