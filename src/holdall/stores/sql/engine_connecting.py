"""How a database behind SQLAlchemy's async engine is used, and engines that are set so."""

from __future__ import annotations

import ssl
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from holdall.errors import DeclarationError
from holdall.store import PoolFigures, PoolOptions, refuse_fragment
from holdall.stores.sql.database import INSPECTED_ROWS, LOCK_WAIT, demand_rows
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.engine_liveness import look_after
from holdall.stores.sql.engine_stopping import Stopping

__all__ = ["EngineOptions", "engine_at", "figures_of", "stopping_at", "url_of"]

_STRICT = "SET SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'"
_DRIVERS = ("asyncmy", "aiomysql")
_TLS = ("ssl-mode", "ssl_mode", "sslmode", "sslMode")


class EngineOptions(PoolOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the engine is used; see ``PoolOptions`` for the words that are not named here.

    ``timeout`` bounds statements in MariaDB and MySQL: the server ends them (MySQL: those that read), and an answer
    that does not come is waited for little longer. Other databases have options of their own for it. With
    ``ping_after=0`` every connection is asked for a sign of life before it is used. ``replicas`` are the URLs of
    servers that follow this one, to which reads go.

    ``lock_timeout`` (seconds) is how long a commit waits in MariaDB or MySQL for what
    others have locked; it should be well below the time that a commit is given.

    ``inspected_rows`` is of how many rows of each table ``inspect`` looks at the values; None stands for all.
    """

    lock_timeout: float = 5.0
    ping_after: float = 5.0
    recycle: float | None = 3600.0
    inspected_rows: int | None = INSPECTED_ROWS
    idle_timeout: float | None = None
    replicas: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lock_timeout > 0:
            raise DeclarationError("lock_timeout is a number of seconds above zero")
        demand_rows(self.inspected_rows)


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


def stopping_at(url: sa.URL) -> Stopping | None:
    """The end of reads at this URL that nobody waits for; None where it is not known how the database ends one."""
    return Stopping(url.difference_update_query(_TLS), _tls_of(url)) if _family(url) == "mysql" else None


def _family(url: sa.URL) -> str:
    return "mysql" if url.get_backend_name() in ("mysql", "mariadb") else url.get_backend_name()


def engine_at(url: sa.URL, options: EngineOptions, stopping: Stopping | None = None) -> AsyncEngine:
    """The engine at this URL; no connection is made. Every connection runs the dialect's setup statements once."""
    family = _family(url)
    isolation = {"isolation_level": "READ COMMITTED"} if family in ("mysql", "postgresql", "oracle", "mssql") else {}
    engine = create_async_engine(
        url.difference_update_query(_TLS) if family == "mysql" else url,
        connect_args={**_tls_of(url), "connect_timeout": options.connect_timeout} if family == "mysql" else {},
        pool_size=options.connections,
        max_overflow=0,
        pool_timeout=options.acquire_timeout,
        pool_use_lifo=True,
        pool_recycle=-1 if options.recycle is None else options.recycle,
        **isolation,
    )
    setup = Dialect.of(engine.dialect).session_setup
    if family == "mysql":
        wait = max(1, int(min(options.lock_timeout, LOCK_WAIT)))
        waits = (f"SET SESSION innodb_lock_wait_timeout = {wait}", f"SET SESSION lock_wait_timeout = {wait}")
        setup = (_STRICT, *waits, _bounded(options.timeout), *setup)

    def tell(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        for statement in setup:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine.sync_engine, "connect", tell)
    look_after(engine.sync_engine, options.ping_after, options.idle_timeout)
    if stopping is not None:
        stopping.look_after(engine.sync_engine)
    return engine


def _bounded(seconds: float) -> str:
    """The statement that bounds those after it: of MariaDB all of them, of MySQL those that read.

    Each server takes the part that is meant for it, and reads the other as a comment.
    """
    maria = f"/*M!100101 , SESSION max_statement_time = {seconds:f} */"
    return (
        f"SET SESSION sql_auto_is_null = 0 {maria} /*!50708 , SESSION max_execution_time = {round(seconds * 1000)} */"
    )


def figures_of(most: int, engine: AsyncEngine) -> PoolFigures:
    """How the connections of an engine are used; it does not tell who waits for one."""
    pool = engine.pool
    if not isinstance(pool, sa.QueuePool):
        return PoolFigures(most, 0, 0, None)
    return PoolFigures(most, pool.checkedin() + pool.checkedout(), pool.checkedin(), None)
