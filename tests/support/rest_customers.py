"""A collection for tests of single calls: customers of an API that a fault server plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from holdall.query import FieldSchema, Generated, Kind, Schema
from holdall.store import Change, Verb
from holdall.stores.rest import RestCollection, RestStore, Retries, open_rest
from holdall.testing.fault_server import FaultServer, Reply, Request

__all__ = ["CUSTOMER", "DECLARED", "NUMBERED", "VERSIONED", "add", "customer", "opened", "remove", "served", "update"]

_NAME = FieldSchema("name", Kind.STR, max_length=20)
_BORN = FieldSchema("born", Kind.DATETIME, nullable=True)
CUSTOMER = Schema("customer", (FieldSchema("id", Kind.INT), _NAME, _BORN), ("id",))
NUMBERED = Schema("customer", (FieldSchema("id", Kind.INT, generated=Generated.STORE), _NAME), ("id",))
VERSIONED = Schema(
    "customer", (FieldSchema("id", Kind.INT), _NAME, FieldSchema("version", Kind.INT)), ("id",), version="version"
)
DECLARED = RestCollection(path="/customers/{id}")


def add(key: Any = 1, name: str = "one", **options: Any) -> Change:
    fields, values = (("name",), (name,)) if key is None else (("id", "name"), (key, name))
    return Change(Verb.ADD, "customer", key, fields, values, **options)


def update(key: int = 1, name: str = "new", version: int | None = None) -> Change:
    if version is None:
        return Change(Verb.UPDATE, "customer", key, ("name",), (name,))
    return Change(Verb.UPDATE, "customer", key, ("name", "version"), (name, version + 1), version)


def remove(key: int = 1, version: int | None = None) -> Change:
    return Change(Verb.REMOVE, "customer", key, version=version)


def customer(key: int = 1, name: str = "one", **more: Any) -> dict[str, Any]:
    return {"id": key, "name": name, **more}


def opened(url: str, schema: Schema = CUSTOMER, declared: RestCollection = DECLARED, **options: Any) -> RestStore:
    quick: dict[str, Any] = {
        "connect_timeout": 0.5,
        "read_timeout": 0.4,
        "timeout": 0.8,
        "retries": Retries(most=2, first_wait=0.01),
    }
    store = open_rest("crm", url, collections={"customer": declared}, **{**quick, **options})
    store.bind([schema])
    return store


@asynccontextmanager
async def served(
    *replies: Reply,
    otherwise: Callable[[Request], Reply] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[RestStore, FaultServer]]:
    """A store of the API that sends these replies, for at most ten seconds; see that no connection is left."""
    async with FaultServer(otherwise) as server:
        server.script(*replies)
        store = opened(server.url, **options)
        try:
            async with asyncio.timeout(10):
                yield store, server
        finally:
            await store.close()
            assert await server.quiet()
