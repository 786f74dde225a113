"""Values of JSON are read and written by one bound: the deepest are stored, edited and answered everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import JSON, Everyone, Holdall, Model, Policy, field
from holdall.errors import ValidationError
from holdall.query import MAX_DEPTH
from holdall.testing.service_client import AsyncServiceClient

pytestmark = pytest.mark.anyio

STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]


class Deed(Model, collection="deed"):
    id: int = field(pk=True)
    body: JSON
    parts: list[JSON] = field(default_factory=list)


def _nested(levels: int, last: object, *, is_list: bool) -> Any:
    value: Any = [last] if is_list else {"a": last}
    for _ in range(levels - 1):
        value = [value] if is_list else {"a": value}
    return value


def _innermost(value: Any) -> Any:
    while True:
        inner = value[0] if isinstance(value, list) else value["a"]
        if not isinstance(inner, list | dict):
            return value
        value = inner


@pytest.mark.parametrize("is_list", [True, False])
@pytest.mark.parametrize("kind", STORES)
async def test_the_deepest_are_stored_and_edited(
    kind: str, is_list: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    given = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/deep.db", "yaml": f"yaml:{tmp_path}"}
    app = Holdall("deep")
    app.add_store("main", given.get(kind) or request.getfixturevalue(kind))
    app.add(Deed, store="main", policy=Policy(read=Everyone, write=Everyone))
    await app.create()
    deepest = _nested(MAX_DEPTH, 1, is_list=is_list)
    async with app.session() as s:
        s.add(Deed(id=1, body=deepest, parts=[_nested(MAX_DEPTH - 1, 1, is_list=is_list)]))
    async with app.session() as s:
        deed = await s.require(Deed, 1)
        assert deed.body == deepest
        _innermost(deed.body)[0 if is_list else "a"] = 2
    async with app.session() as s:
        deed = await s.require(Deed, 1)
        assert deed.body == _nested(MAX_DEPTH, 2, is_list=is_list)
        with pytest.raises(ValidationError, match="deep"):
            deed.body = _nested(MAX_DEPTH + 1, 2, is_list=is_list)
        with pytest.raises(ValidationError, match="deep"):
            deed.parts = [_nested(MAX_DEPTH, 1, is_list=is_list)]
    async with app.session() as s:
        s.remove(await s.require(Deed, 1))
    await app.close()


@pytest.mark.parametrize("is_list", [True, False])
async def test_the_deepest_go_over_http(is_list: bool) -> None:
    app = Holdall("deep")
    app.add_store("main", "memory:")
    app.add(Deed, store="main", policy=Policy(read=Everyone, write=Everyone))
    async with AsyncServiceClient(app.asgi()) as client:
        body = {"id": 1, "body": _nested(MAX_DEPTH, 1, is_list=is_list)}
        await client.post("/deed", body)
        other = _nested(MAX_DEPTH, 2, is_list=is_list)
        found = (await client.patch("/deed/1", {"body": other}, expect=200)).json()
        assert found["body"] == other
        await client.patch("/deed/1", {"body": _nested(MAX_DEPTH + 1, 1, is_list=is_list)}, expect=422)
    await app.close()
