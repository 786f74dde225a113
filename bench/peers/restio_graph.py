# mypy: disable-error-code="import-not-found, misc"
"""The graph through restio: one data access object for each model, on aiohttp."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import Any

import aiohttp
from restio.dao import BaseDAO
from restio.fields import IntField, ModelField, StrField
from restio.model import BaseModel
from restio.session import Session

from bench.graph import MOST_AT_ONCE, NODES


class Company(BaseModel):
    """The first level."""

    id: IntField = IntField(pk=True, allow_none=True, default=None)
    name: StrField = StrField()


class Department(BaseModel):
    """The second level."""

    id: IntField = IntField(pk=True, allow_none=True, default=None)
    name: StrField = StrField()
    parent: ModelField[Company] = ModelField(Company)


class Person(BaseModel):
    """The third level."""

    id: IntField = IntField(pk=True, allow_none=True, default=None)
    name: StrField = StrField()
    parent: ModelField[Department] = ModelField(Department)


_MODELS: dict[str, Any] = {"company": Company, "department": Department, "person": Person}


class _Dao(BaseDAO[Any]):
    def __init__(self, model: Any, url: str) -> None:
        super().__init__(model)
        self._url = url

    async def add(self, obj: Any) -> None:
        record = {"name": obj.name}
        if not isinstance(obj, Company):
            record["parent"] = obj.parent.id
        async with _client().post(self._url, json=record) as answer:
            answer.raise_for_status()
            obj.id = json.loads(await answer.read())["id"]


async def graph(url: str) -> float:
    """From models that are there to the end of their commit."""
    session = Session()
    for name, model in _MODELS.items():
        session.register_dao(_Dao(model, f"{url}/{name}"))
    made: list[Any] = []
    for collection, name, parent in NODES:
        values = {} if parent < 0 else {"parent": made[parent]}
        made.append(_MODELS[collection](name=name, **values))
        session.add(made[-1])
    start = time.perf_counter()
    await session.commit()
    seconds = time.perf_counter() - start
    assert all(record.id for record in made)
    return seconds


@cache
def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=MOST_AT_ONCE))
