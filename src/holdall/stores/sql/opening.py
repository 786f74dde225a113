"""From a URL to an SQL store: the scheme picks the driver, and only that driver is imported."""

from __future__ import annotations

from collections.abc import Mapping

from holdall.errors import DeclarationError
from holdall.store import Hold, options_of
from holdall.stores.sql.deferring import DeferringSqlStore
from holdall.stores.sql.dialect import OLDER_SQLITE, POSTGRESQL, SQLITE, Dialect
from holdall.stores.sql.holding import HoldingSqlStore
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["open_sql"]


def open_sql(name: str, url: str, **options: object) -> SqlStore:
    """Open the store at this URL; no connection is made.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` (in memory), ``postgresql://user@host/name``
    or ``postgres://…``, ``mariadb://…``, ``mysql://…``, or ``dialect+driver://…`` for any async dialect of SQLAlchemy.
    SQLite, PostgreSQL, MariaDB and MySQL are reached by drivers of our choice, whatever driver the URL names. The
    options are those of ``SqliteOptions``, ``PostgresOptions`` or ``EngineOptions``. Raises DeclarationError for a
    wrong one.

    >>> open_sql("main", "sqlite:///library.db").name
    'main'
    """
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        raise DeclarationError(_without_slashes(url))
    match scheme.partition("+")[0]:
        case "sqlite":
            return _open_sqlite(name, url, options)
        case "postgresql" | "postgres":
            return _open_postgres(name, f"postgresql://{rest}", options)
    return _open_engine(name, url, options)


def _open_sqlite(name: str, url: str, options: Mapping[str, object]) -> SqlStore:
    from holdall.stores.sql.sqlite import SqliteDatabase
    from holdall.stores.sql.sqlite_connection import SqliteOptions, place_of
    from holdall.stores.sql.sqlite_store import SqliteStore

    given = options_of(SqliteOptions, name, options)
    place = place_of(url, given.driver)
    tables = Tables(OLDER_SQLITE if place.is_older else SQLITE)
    return SqliteStore(name, tables, SqliteDatabase(name, place, tables, given))


def _open_postgres(name: str, url: str, options: Mapping[str, object]) -> SqlStore:
    from holdall.stores.sql.postgres import PostgresDatabase
    from holdall.stores.sql.postgres_connecting import PostgresOptions

    tables = Tables(POSTGRESQL)
    database = PostgresDatabase(name, url, tables, options_of(PostgresOptions, name, options))
    return DeferringSqlStore(name, tables, database, Hold.RESERVED)  # until the server is asked


def _open_engine(name: str, url: str, options: Mapping[str, object]) -> SqlStore:
    from holdall.stores.sql.engine import EngineDatabase
    from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, url_of

    place, given = url_of(url), options_of(EngineOptions, name, options)
    tables = Tables(Dialect.of(engine_at(place, given).dialect))
    if tables.dialect.family == "mysql":
        from holdall.stores.sql.engine_xa import XaDatabase

        return HoldingSqlStore(name, tables, XaDatabase(name, place, tables, given), Hold.PREPARED)
    return SqlStore(name, tables, EngineDatabase(name, place, tables, given))


def _without_slashes(url: str) -> str:
    scheme, _, rest = url.partition(":")
    if scheme.partition("+")[0] == "sqlite":
        return f"a SQLite file is named by sqlite:///{rest.lstrip('/')}, or with four slashes from the root"
    return f"the URL of a database begins with {scheme}://host"
