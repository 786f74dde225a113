"""Reading what stores hold past Holdall, by their own drivers: rows of a collection, and how much of all there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import apsw
import msgspec
import ryaml

from tests.contention.models import Arena

__all__ = ["present", "rows_of", "sizes_of"]

_BATCH = 1_000


async def rows_of(arena: Arena, side: int, collection: str, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """The values of these fields in every record of a collection of one store."""
    url, names = arena.urls[side], ", ".join(fields)
    match arena.kinds[side]:
        case "sqlite":
            return _sqlite(url, f"SELECT {names} FROM {collection}")
        case "postgresql":
            return await _postgres(url, f"SELECT {names} FROM {collection}")
        case "mariadb":
            return await _mariadb(url, f"SELECT {names} FROM {collection}")
        case "mongo":
            return await _mongo(url, collection, fields)
        case "redis":
            return await _redis(url, f"{arena.prefix(side)}:{collection}:", fields)
    return _yaml(url, collection, fields)


async def present(arena: Arena, side: int, ids: Sequence[str]) -> frozenset[str]:
    """Those of these ids, at least one and none with quotes, that have an entry in one store."""
    url, collection = arena.urls[side], arena.books(side).entry.__holdall__.collection
    named = ", ".join(f"'{name}'" for name in ids)
    statement = f"SELECT id FROM {collection} WHERE id IN ({named})"
    match arena.kinds[side]:
        case "sqlite":
            rows = _sqlite(url, statement)
        case "postgresql":
            rows = await _postgres(url, statement)
        case "mariadb":
            rows = await _mariadb(url, statement)
        case "mongo":
            rows = await _mongo(url, collection, ("id",), {"_id": {"$in": list(ids)}})
        case "redis":
            async with _redis_client(url) as client:
                there = [await client.exists(f"{arena.prefix(side)}:{collection}:{name}") for name in ids]
            return frozenset(name for name, is_there in zip(ids, there, strict=True) if is_there)
        case _:
            folder = _folder(url) / collection
            return frozenset(name for name in ids if (folder / f"{name}.yaml").exists())
    return frozenset(row[0] for row in rows)


async def sizes_of(arena: Arena, side: int) -> dict[str, int]:
    """How many rows, keys or files there are in one store, by table, by kind of key or by folder, hidden ones too."""
    url = arena.urls[side]
    match arena.kinds[side]:
        case "sqlite":
            tables = [row[0] for row in _sqlite(url, "SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: _sqlite(url, f'SELECT count(*) FROM "{name}"')[0][0] for name in tables}
        case "postgresql":
            named = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            sizes = {}
            for (name,) in await _postgres(url, named):
                sizes[name] = (await _postgres(url, f'SELECT count(*) FROM "{name}"'))[0][0]
            held = await _postgres(url, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
            return {**sizes, "holdall prepared transactions": len(held)}
        case "mariadb":
            sizes = {}
            for (name,) in await _mariadb(url, "SHOW TABLES"):
                sizes[name] = (await _mariadb(url, f"SELECT count(*) FROM `{name}`"))[0][0]
            return sizes
        case "mongo":
            return await _mongo_sizes(url)
        case "redis":
            return await _redis_sizes(url, arena.prefix(side))
    return _folder_sizes(_folder(url))


# --- SQL ------------------------------------------------------------------------------------------------------------


def _sqlite(url: str, statement: str) -> list[tuple[Any, ...]]:
    # the library that Holdall's store uses: a second one in this process would take the store's locks from it
    with closing(apsw.Connection(url.removeprefix("sqlite:///"))) as connection:
        connection.set_busy_timeout(20_000)
        return connection.execute(statement).fetchall()


async def _postgres(url: str, statement: str) -> list[tuple[Any, ...]]:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=10)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def _mariadb(url: str, statement: str) -> list[tuple[Any, ...]]:
    import asyncmy

    parts = urlsplit(url)
    connection = await asyncmy.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        db=parts.path.strip("/"),
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
            return list(await cursor.fetchall())
    finally:
        connection.close()


# --- others ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _mongo_database(url: str) -> Any:
    import pymongo

    async with pymongo.AsyncMongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database()


async def _mongo(
    url: str, collection: str, fields: Sequence[str], condition: dict[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    named = ["_id" if name == "id" else name for name in fields]
    async with _mongo_database(url) as database:
        return [tuple(row[name] for name in named) async for row in database[collection].find(condition or {})]


async def _mongo_sizes(url: str) -> dict[str, int]:
    async with _mongo_database(url) as database:
        return {name: await database[name].count_documents({}) for name in await database.list_collection_names()}


@asynccontextmanager
async def _redis_client(url: str) -> Any:
    from redis.asyncio import Redis

    client = Redis.from_url(url)
    try:
        yield client
    finally:
        await client.aclose()


async def _redis(url: str, prefix: str, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    async with _redis_client(url) as client:
        keys = sorted({key async for key in client.scan_iter(match=f"{prefix}*", count=_BATCH)})
        for start in range(0, len(keys), _BATCH):
            pipe = client.pipeline(transaction=False)
            for key in keys[start : start + _BATCH]:
                pipe.hmget(key, list(fields))
            rows += [tuple(map(msgspec.json.decode, values)) for values in await pipe.execute() if None not in values]
    return rows


async def _redis_sizes(url: str, prefix: str) -> dict[str, int]:
    """Records by collection; of each other key how much is in it."""
    sizes: Counter[str] = Counter()
    measures = {b"hash": "hlen", b"zset": "zcard", b"set": "scard", b"list": "llen", b"stream": "xlen"}
    async with _redis_client(url) as client:
        for key in {key async for key in client.scan_iter(match=f"{prefix}*", count=_BATCH)}:
            collection, is_one, _ = key.decode().removeprefix(prefix).removeprefix(":").partition(":")
            if is_one and "#" not in collection:
                sizes[collection] += 1
                continue
            kind = await client.type(key)
            sizes[collection] += await getattr(client, measures[kind])(key) if kind in measures else 1
    return dict(sizes)


def _folder(url: str) -> Path:
    return Path(url.removeprefix("yaml:"))


def _yaml(url: str, collection: str, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Of either layout: a file per record, or one for all."""
    whole = _folder(url) / f"{collection}.yaml"
    records: list[Any] = []
    if whole.exists():
        records = list(_loaded(whole) or ())
    else:
        records = [_loaded(path) for path in (_folder(url) / collection).glob("*.yaml")]
    return [tuple(record[name] for name in fields) for record in records]


def _loaded(path: Path) -> Any:
    return ryaml.loads(path.read_text())  # type: ignore[attr-defined]


def _folder_sizes(folder: Path) -> dict[str, int]:
    """Files by the folder they lie in."""
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file():
            sizes[str(path.parent.relative_to(folder))] += 1
    return dict(sizes)
