"""The graph through Holdall: three models in a REST store, one commit."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from bench.graph import MOST_AT_ONCE, NODES
from holdall import Holdall, Model, Ref, field
from holdall.query import Compare, Op, Query
from holdall.store import Change, Verb
from holdall.stores.rest import RestCollection

_CALLS = 1_000


class Company(Model):
    """The first level."""

    id: int = field(pk=True, generated=True)
    name: str


class Department(Model):
    """The second level."""

    id: int = field(pk=True, generated=True)
    name: str
    parent: Ref[Company]


class Person(Model):
    """The third level."""

    id: int = field(pk=True, generated=True)
    name: str
    parent: Ref[Department]


_MODELS: dict[str, Any] = {"company": Company, "department": Department, "person": Person}


async def graph(url: str) -> float:
    """From records that are there to the end of their commit."""
    session = _app(url).session()
    async with session as s:
        made: list[Any] = []
        for collection, name, parent in NODES:
            values = {} if parent < 0 else {"parent": made[parent]}
            made.append(s.add(_MODELS[collection](name=name, **values)))
        start = time.perf_counter()
        await s.commit()
        seconds = time.perf_counter() - start
        assert all(record.id for record in made)
        return seconds


async def write(url: str) -> float:
    """What a change costs the processor here, in the store alone."""
    app = _app(url)
    app.bindings.configure()
    store, change = app.stores["far"], Change(Verb.ADD, "company", None, ("name",), ("company 0",))
    await store.apply([change])
    start = time.process_time()
    for _ in range(_CALLS):
        (outcome,) = await store.apply([change])
        assert outcome.key
    return (time.process_time() - start) / _CALLS


async def read(url: str) -> float:
    """What a look-up by key costs the processor here, in the store alone."""
    app = _app(url)
    app.bindings.configure()
    store = app.stores["far"]
    start = time.process_time()
    for number in range(_CALLS):
        ((key, _),) = await store.fetch(Query("company", Compare(("id",), Op.EQ, number)))
        assert key == number
    return (time.process_time() - start) / _CALLS


@cache
def _app(url: str) -> Holdall:
    app = Holdall("bench")
    collections = {name: RestCollection(path=f"/{name}/{{id}}", keys="server") for name in _MODELS}
    app.add_store("far", url, collections=collections, connections=MOST_AT_ONCE)
    app.add(*_MODELS.values(), store="far")
    return app
