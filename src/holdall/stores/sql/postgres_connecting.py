"""How a PostgreSQL server is used, and connections to it that are set so."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec

from holdall.errors import DeclarationError
from holdall.stores.sql.database import LOCK_WAIT
from holdall.stores.sql.postgres_pool import PostgresConnection

__all__ = ["PostgresConnector", "PostgresOptions"]


class PostgresOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a PostgreSQL server is used.

    ``connections`` is the most that are open per event loop, ``statements`` the most one connection keeps prepared.
    ``timeout`` (seconds) bounds each statement, ``connect_timeout`` opening a connection and waiting for a free one.
    ``lock_timeout`` (seconds) is how long a commit waits for what others have locked, unless the URL sets it; it should
    be well below the time that a commit is given. None leaves it to the server. The server is asked to wait for a part
    of that at a time: then it is seen whether a dead process holds the lock, and the commit is tried again.
    """

    connections: int = 10
    statements: int = 500
    timeout: float = 60.0
    connect_timeout: float = 10.0
    lock_timeout: float | None = 5.0

    def __post_init__(self) -> None:
        lowest = min(self.timeout, self.connect_timeout, self.lock_timeout or 1.0)
        if self.connections < 1 or self.statements < 1 or lowest <= 0 or self.lock_timeout == 0:
            raise DeclarationError("connections, statements and all timeouts must be above zero")


class PostgresConnector:
    """Opens connections to one database."""

    def __init__(self, url: str, options: PostgresOptions) -> None:
        self._url = url
        self._options = options
        self._settings = {"application_name": "holdall", "timezone": "UTC"}
        self.lock_patience = 0.0  # seconds; a lock timeout in the URL is the server's alone
        if options.lock_timeout is not None and "lock_timeout" not in parse_qs(urlsplit(url).query):
            self.lock_patience = options.lock_timeout
            wait = min(options.lock_timeout, LOCK_WAIT)
            self._settings["lock_timeout"] = str(max(1, round(wait * 1000)))  # milliseconds

    async def connect(self) -> PostgresConnection:
        """A new connection. Raises asyncpg's errors, OSError and TimeoutError."""
        try:
            raw = await self._opened()
        except asyncpg.ProtocolViolationError:
            if "lock_timeout" not in self._settings:
                raise
            del self._settings["lock_timeout"]  # a pooler takes only the settings that it knows
            raw = await self._opened()
        return PostgresConnection(raw, self._options.statements)

    async def _opened(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            timeout=self._options.connect_timeout,
            command_timeout=self._options.timeout,
            statement_cache_size=0,
            server_settings=self._settings,
        )
