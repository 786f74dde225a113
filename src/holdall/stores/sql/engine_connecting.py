"""How a database behind SQLAlchemy's async engine is used, and engines that are set so."""

from __future__ import annotations

import ssl
from importlib.util import find_spec
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from holdall.errors import DeclarationError
from holdall.store import refuse_fragment
from holdall.stores.sql.database import LOCK_WAIT
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.engine_liveness import look_after

__all__ = ["EngineOptions", "engine_at", "url_of"]

_STRICT = "SET SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'"
_DRIVERS = ("asyncmy", "aiomysql")
_TLS = ("ssl-mode", "ssl_mode", "sslmode", "sslMode")


class EngineOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the engine is used: at most ``connections`` per event loop; ``timeout`` (seconds) to get one.

    A connection that was idle for ``ping_after`` seconds is asked for a sign of life before it is used; one that is
    ``recycle`` seconds old is replaced, None keeps it.

    ``lock_timeout`` (seconds) is how long a commit waits in MariaDB or MySQL for what
    others have locked; it should be well below the time that a commit is given.
    """

    connections: int = 10
    timeout: float = 30.0
    lock_timeout: float = 5.0
    ping_after: float = 5.0
    recycle: float | None = 3600.0

    def __post_init__(self) -> None:
        if self.connections < 1 or min(self.timeout, self.lock_timeout, self.recycle or 1.0) <= 0 or self.recycle == 0:
            raise DeclarationError("connections, timeout, lock_timeout and recycle must be above zero")
        if self.ping_after < 0:
            raise DeclarationError("ping_after must not be below zero")


def url_of(url: str) -> sa.URL:
    """The URL with its driver: asyncmy or aiomysql for MariaDB and MySQL, whichever driver it names.

    Raises DeclarationError for what is no URL, and where the driver is not installed or not async.
    """
    refuse_fragment(url)
    try:
        made = sa.make_url(url)
        if made.get_backend_name() in ("mysql", "mariadb"):
            named = made.drivername.partition("+")[2]
            driver = next((name for name in (named, *_DRIVERS) if name in _DRIVERS and find_spec(name)), _DRIVERS[0])
            made = made.set(drivername=f"{made.get_backend_name()}+{driver}").update_query_dict({"charset": "utf8mb4"})
        if not made.get_dialect().is_async:
            raise DeclarationError(
                f"the driver of {made.drivername} is not async; name one that is: dialect+driver://…"
            )
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise DeclarationError(f"no SQL database can be reached by this URL: {type(error).__name__}") from error
    return made


def _tls_of(url: sa.URL) -> dict[str, ssl.SSLContext]:
    """Return the driver's TLS arguments for the words that MySQL's own clients understand.

    Raises DeclarationError for a word that is none of them.
    """
    word = next((str(url.query[name]) for name in _TLS if name in url.query), "preferred")
    match word.lower().replace("-", "_"):
        case "disable" | "disabled" | "prefer" | "preferred":
            return {}
        case "require" | "required":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        case "verify_ca":
            context = ssl.create_default_context()
            context.check_hostname = False
        case "verify_identity" | "verify_full":
            context = ssl.create_default_context()
        case _:
            raise DeclarationError(f"{word!r} is no ssl-mode: take disabled, required, verify_ca or verify_identity")
    return {"ssl": context}


def engine_at(url: sa.URL, options: EngineOptions) -> AsyncEngine:
    """The engine at this URL; no connection is made. Every connection runs the dialect's setup statements once."""
    family = "mysql" if url.get_backend_name() in ("mysql", "mariadb") else url.get_backend_name()
    isolation = {"isolation_level": "READ COMMITTED"} if family in ("mysql", "postgresql", "oracle", "mssql") else {}
    engine = create_async_engine(
        url.difference_update_query(_TLS) if family == "mysql" else url,
        connect_args=_tls_of(url) if family == "mysql" else {},
        pool_size=options.connections,
        max_overflow=0,
        pool_timeout=options.timeout,
        pool_use_lifo=True,
        pool_recycle=-1 if options.recycle is None else options.recycle,
        **isolation,
    )
    setup = Dialect.of(engine.dialect).session_setup
    if family == "mysql":
        wait = max(1, int(min(options.lock_timeout, LOCK_WAIT)))
        waits = (f"SET SESSION innodb_lock_wait_timeout = {wait}", f"SET SESSION lock_wait_timeout = {wait}")
        setup = (_STRICT, *waits, *setup)

    def tell(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        for statement in setup:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine.sync_engine, "connect", tell)
    look_after(engine.sync_engine, options.ping_after)
    return engine
