"""Collections and changes for tests of the MongoDB store, and a look at what the server really holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pymongo
from bson.codec_options import CodecOptions

from holdall.query import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.store import Change, Verb
from holdall.stores.mongo import MongoStore, StandaloneMongoStore, open_mongo

__all__ = ["BOOK", "PERSON", "add", "failing", "fresh", "inside", "opened", "remove", "update"]

_PERSON_ID = FieldSchema("id", Kind.INT, generated=Generated.STORE)
PERSON = Schema(
    "person",
    (_PERSON_ID, FieldSchema("name", Kind.STR), FieldSchema("photo", Kind.BYTES, nullable=True)),
    ("id",),
)
BOOK = Schema(
    "book",
    (
        FieldSchema("id", Kind.STR),
        FieldSchema("isbn", Kind.STR, nullable=True),
        FieldSchema("price", Kind.DECIMAL, nullable=True),
        FieldSchema("bought", Kind.DATETIME, nullable=True),
        FieldSchema("mark", Kind.UUID, nullable=True),
        FieldSchema("extra", Kind.JSON, nullable=True),
        FieldSchema("author", Kind.REF, nullable=True, target="person", target_key=(_PERSON_ID,)),
        FieldSchema("readers", Kind.MANY, target="person", target_key=(_PERSON_ID,), form=ManyForm.SET),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
    unique=(("isbn",),),
)


def fresh(url: str) -> str:
    """A database of its own on the same server."""
    return urlsplit(url)._replace(path=f"/test_{uuid4().hex[:12]}").geturl()


def opened(url: str, **options: Any) -> MongoStore | StandaloneMongoStore:
    """A store bound to both collections."""
    store = open_mongo("mongo", url, **options)
    store.bind([PERSON, BOOK])
    return store


def add(collection: str, key: Any, token: str | None = None, **values: Any) -> Change:
    if collection == "book":
        values.setdefault("version", 1)
    return Change(Verb.ADD, collection, key, tuple(values), tuple(values.values()), token=token)


def update(collection: str, key: Any, expected: int | None = None, token: str | None = None, **values: Any) -> Change:
    return Change(Verb.UPDATE, collection, key, tuple(values), tuple(values.values()), expected, token)


def remove(collection: str, key: Any, version: int | None = None, token: str | None = None) -> Change:
    return Change(Verb.REMOVE, collection, key, version=version, token=token)


@contextmanager
def inside(url: str) -> Iterator[Any]:
    """The database as pymongo shows it."""
    options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, uuid_representation=4)
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database(codec_options=options)


@contextmanager
def failing(url: str, *commands: str, times: int = 1, **how: Any) -> Iterator[None]:
    """Let the server fail these commands so many times."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        settings = {"failCommands": list(commands), **how}
        client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": settings})
        try:
            yield
        finally:
            client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
