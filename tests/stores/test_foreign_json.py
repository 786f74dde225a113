"""JSON that other programs wrote beyond the bounds of what a field holds is told by record, alike in every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from bson import Int64
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from holdall import Holdall, Model, Session, field
from holdall.errors import CorruptRecord

pytestmark = pytest.mark.anyio


class Doc(Model):
    id: int = field(pk=True)
    data: dict[str, Any] = field(default_factory=dict)


KINDS = ["sqlite", "postgres", "yaml", "redis", "mongo"]
DEEP = '{"a":' + "[" * 200 + "]" * 200 + "}"
REFUSED = ['{"a":-9223372036854775808}', '{"a":[1000000000000000000000]}', '{"a":"\\u0000"}', '{"a":1e400}', DEEP]
READ = ['{"a":9223372036854775807}', '{"a":"1234567890123456789012"}', '{"a":[[1],{"b":null}]}', '{"a":"\\\\u0000"}']


async def write_raw(kind: str, url: str, text: str) -> None:
    """Put text where the record's JSON lies; skips what the server itself refuses."""
    match kind:
        case "sqlite":
            connection = apsw.Connection(url.removeprefix("sqlite:///"))
            connection.execute("UPDATE doc SET data = ?", (text,))
            connection.close()
        case "postgres":
            server = await asyncpg.connect(url)
            await server.execute(f"UPDATE doc SET data = '{text}'")
            await server.close()
        case "yaml":
            (Path(url.removeprefix("yaml:")) / "doc" / "1.yaml").write_text(f"id: 1\ndata: {text}\n")
        case "redis":
            async with Redis.from_url(url) as raw:
                await raw.hset("foreign_json:doc:1", "data", text)
        case "mongo":
            values = {
                REFUSED[0]: {"a": Int64(-(2**63))},
                REFUSED[2]: {"a": "\0"},
                REFUSED[3]: {"a": float("inf")},
                READ[0]: {"a": Int64(2**63 - 1)},
                READ[1]: {"a": "1234567890123456789012"},
                READ[2]: {"a": [[1], {"b": None}]},
                READ[3]: {"a": "\\u0000"},
            }
            if text not in values:
                pytest.skip("BSON has no such value")
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
            async with client:
                await client.get_default_database()["doc"].update_one({"_id": 1}, {"$set": {"data": values[text]}})


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A kind of store, and the URL of one."""
    kind: str = request.param
    if kind in ("sqlite", "yaml"):
        return kind, f"sqlite:///{tmp_path}/docs.db" if kind == "sqlite" else f"yaml:{tmp_path}/docs"
    url: str = request.getfixturevalue(f"{kind}_url")
    return kind, url if kind == "redis" else request.getfixturevalue("fresh_database")(url)


@asynccontextmanager
async def opened(kind: str, url: str) -> AsyncIterator[Holdall]:
    """An application with one document, which is removed in the end, readable or not."""
    app = Holdall("docs")
    app.add_store("main", url, **({"prefix": "foreign_json"} if kind == "redis" else {}))
    app.add(Doc, store="main")
    async with app:
        await app.create()
        async with app.session() as session:
            session.add(Doc(id=1, data={"x": 1}))
        yield app
        async with app.session() as session:
            session.remove(await session.mend(Doc, 1))


@pytest.mark.parametrize("text", REFUSED, ids=["small", "large", "nul", "infinite", "deep"])
async def test_what_no_field_can_hold_is_told(place: tuple[str, str], text: str) -> None:
    async with opened(*place) as app:
        await write_raw(*place, text)
        with pytest.raises(CorruptRecord, match=r"data|nested"):
            await Session(app.bindings).get(Doc, 1)


@pytest.mark.parametrize("text", READ, ids=["largest", "digits", "nested", "escaped"])
async def test_what_only_looks_so_is_read_and_written(place: tuple[str, str], text: str) -> None:
    async with opened(*place) as app:
        await write_raw(*place, text)
        async with app.session() as session:
            record = await session.require(Doc, 1)
            assert list(record.data) == ["a"]
            record.data = {"b": record.data["a"]}
        assert list((await Session(app.bindings).require(Doc, 1)).data) == ["b"]
