"""How a PostgreSQL server is used, and connections to it that are set so."""

from __future__ import annotations

import re

import asyncpg

from holdall.errors import DeclarationError, StoreError
from holdall.store import Deadlines, PoolOptions
from holdall.stores.sql.database import INSPECTED_ROWS, LOCK_WAIT, demand_rows
from holdall.stores.sql.postgres_connection import BEGIN, PostgresConnection
from holdall.stores.sql.postgres_types import tell_types
from holdall.stores.sql.postgres_url import place_of

__all__ = ["PostgresConnector", "PostgresOptions"]

_SETTING = re.compile(r'(?:startup parameter: |parameter "|value for parameter ")"?(?P<name>[A-Za-z_.]+)')


class PostgresOptions(PoolOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a PostgreSQL server is used; see ``PoolOptions`` for the words that are not named here.

    ``statements`` is the most that one connection keeps prepared; 0 is for poolers that take no prepared statements.
    ``replicas`` are the URLs of servers that follow this one, to which reads go.

    ``lock_timeout`` (seconds) is how long a commit waits for what others have locked, unless the URL sets it; it should
    be well below the time that a commit is given. None leaves it to the server. The server is asked to wait for a part
    of that at a time: then it is seen whether a dead process holds the lock, and the commit is tried again.

    ``inspected_rows`` is of how many rows of each table ``inspect`` looks at the values; None stands for all.
    """

    statements: int = 500
    lock_timeout: float | None = 5.0
    ping_after: float = 5.0
    recycle: float | None = 3600.0
    inspected_rows: int | None = INSPECTED_ROWS
    idle_timeout: float | None = None
    replicas: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.statements < 0:
            raise DeclarationError("statements must not be below zero")
        if self.lock_timeout is not None and not self.lock_timeout > 0:
            raise DeclarationError("lock_timeout is a number of seconds above zero")
        demand_rows(self.inspected_rows)


class PostgresConnector:
    """Opens connections to one database, for one store."""

    def __init__(self, store: str, url: str, options: PostgresOptions) -> None:
        self._store = store
        self._place = place = place_of(url)
        self._options = options
        self._deadlines = Deadlines(options.timeout)
        self.where = place.where
        self._statements = 0 if place.is_pooled else options.statements
        self._begin = BEGIN
        settings = {"application_name": "holdall", "timezone": "UTC"}
        self.lock_patience = 0.0  # seconds; a lock timeout in the URL is the server's alone
        if options.lock_timeout is not None:
            wait = min(options.lock_timeout, LOCK_WAIT)
            settings["lock_timeout"] = str(max(1, round(wait * 1000)))  # milliseconds
        self._settings = {name: value for name, value in settings.items() if name not in place.settings}
        if "lock_timeout" in self._settings:
            self.lock_patience = options.lock_timeout or 0.0

    async def connect(self) -> PostgresConnection:
        """A new connection. Raises asyncpg's errors, OSError, TimeoutError, and StoreError for a wrong setting."""
        while True:
            try:
                raw = await self._opened(self._options.timeout)
            except (
                asyncpg.ProtocolViolationError, asyncpg.UndefinedObjectError, asyncpg.InvalidParameterValueError
            ) as error:  # fmt: skip
                name = self._refused(error)
                if name != "lock_timeout" or name not in self._settings:
                    raise StoreError(
                        self._store,
                        f"the server, or a pooler before it, does not take the setting {name} or its value, which the "
                        f"URL gives ({error.sqlstate}); options of the store are keywords of add_store",
                    ) from error
                # A pooler takes only the settings that it knows. So each transaction is told, and as the next one may
                # run elsewhere, nothing is prepared.
                self._begin = f"{BEGIN}; SET LOCAL lock_timeout = {self._settings.pop(name)}"
                self._statements = 0
                continue
            return PostgresConnection(raw, self._statements, self._deadlines, self._begin)

    def _refused(self, error: asyncpg.PostgresError) -> str:
        """The name of the setting that was refused. Raises the error where it is about something else."""
        found = _SETTING.search(str(error))
        name = "" if found is None else found["name"].lower()
        if name not in self._place.settings and name not in self._settings:
            raise error
        return name

    async def plain(self) -> asyncpg.Connection:
        """A new connection of the driver, on which a statement may take its time. Raises asyncpg's errors, OSError."""
        return await self._opened(None)

    async def _opened(self, seconds: float | None) -> asyncpg.Connection:
        opened = await asyncpg.connect(
            self._place.url,
            timeout=self._place.connect_timeout or self._options.connect_timeout,
            command_timeout=seconds,
            statement_cache_size=0,
            server_settings=self._settings,
        )
        tell_types(opened)
        return opened
