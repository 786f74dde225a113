"""Scratch databases on a running server: made empty for one test or one run, dropped at its end."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

__all__ = ["drop_namespace", "is_listening", "own_name", "scratch_database"]

_CONNECT_SECONDS = 3.0


def is_listening(url: str) -> bool:
    """Whether anything takes TCP connections at the URL's host and port."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """An empty database beside the one the URL names: its URL, until the block ends.

    The URL's scheme is ``postgresql``, ``mysql``, ``mariadb`` or ``mongodb``; its user must be allowed to create
    databases.
    """
    name = f"holdall_test_{os.getpid()}_{uuid4().hex[:12]}"
    if urlsplit(url).scheme.startswith("mongodb"):  # which creates a database when something is written to it
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            _drop_mongo(url, name)
        return
    is_postgres = urlsplit(url).scheme == "postgresql"
    run = _run_postgres if is_postgres else _run_mariadb
    _apart(_create_postgres(url, name) if is_postgres else run(url, f"CREATE DATABASE {name}"))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        if is_postgres:
            _apart(run(url, f"DROP DATABASE {name} WITH (FORCE)"))
        else:
            drop_namespace(url, name)


def own_name(name: str) -> str:
    """Make the name of a database or schema one of this test process alone: a server may serve many at once.

    Raises RuntimeError outside of tests: processes that run tests may be forks of the one that imports them.
    """
    if "PYTEST_CURRENT_TEST" not in os.environ:
        raise RuntimeError("ask for a name of its own within a test or a fixture: what is imported is forked later")
    return f"{name} {os.getpid()}"


def drop_namespace(url: str, name: str) -> None:
    """Drop a database of MariaDB that stands beside the one that the URL names, if it is there.

    Connections that a failed test left in it are ended, as their transactions would keep it for ever.
    """
    _apart(_run_mariadb(url, f"DROP DATABASE IF EXISTS `{name}`", without_users_of=name))


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run it on a loop of its own, in a thread: an async test that asks for a database has a loop already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def _drop_mongo(url: str, name: str) -> None:
    import pymongo

    with pymongo.timeout(_CONNECT_SECONDS), pymongo.MongoClient[dict[str, object]](url) as client:
        client.drop_database(name)


async def _create_postgres(url: str, name: str) -> None:
    """Create a database: by copying files where nothing waits for a disk, in a third of the time of a log of them."""
    import asyncpg

    connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    try:
        is_quick = connection.get_server_version().major >= 15 and await connection.fetchval("SHOW fsync") == "off"
        await connection.execute(f"CREATE DATABASE {name}{' STRATEGY file_copy' if is_quick else ''}")
    finally:
        await connection.close()


async def _run_postgres(url: str, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _run_mariadb(url: str, statement: str, without_users_of: str = "") -> None:
    import asyncmy.errors

    parts = urlsplit(url)
    connection = await asyncmy.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        connect_timeout=int(_CONNECT_SECONDS),
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (without_users_of,))
            for (number,) in await cursor.fetchall():
                with suppress(asyncmy.errors.OperationalError):  # it has ended by itself
                    await cursor.execute(f"KILL {number}")
            await cursor.execute(statement)
    finally:
        connection.close()
