"""From a URL to an SQL store: the scheme picks the driver, and only that driver is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from holdall.errors import DeclarationError
from holdall.store import Hold
from holdall.stores.sql.deferring import DeferringSqlStore
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE, Dialect
from holdall.stores.sql.holding import HoldingSqlStore
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["open_sql"]

T = TypeVar("T")


def open_sql(name: str, url: str, **options: Any) -> SqlStore:
    """The store at this URL; no connection is made.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` (in memory), ``postgresql://user@host/name``
    or ``postgres://…``, ``mariadb://…``, ``mysql://…``, or ``dialect+driver://…`` for any async dialect of SQLAlchemy.
    SQLite, PostgreSQL, MariaDB and MySQL are reached by drivers of our choice, whatever driver the URL names. The
    options are those of ``SqliteOptions``, ``PostgresOptions`` or ``EngineOptions``. Raises DeclarationError for a
    wrong one.
    """
    scheme, _, rest = url.partition("://")
    match scheme.partition("+")[0]:
        case "sqlite":
            return _open_sqlite(name, url, options)
        case "postgresql" | "postgres":
            return _open_postgres(name, f"postgresql://{rest}", options)
    return _open_engine(name, url, options)


def _open_sqlite(name: str, url: str, options: Mapping[str, Any]) -> SqlStore:
    from holdall.stores.sql.sqlite import SqliteDatabase
    from holdall.stores.sql.sqlite_connection import SqliteOptions
    from holdall.stores.sql.sqlite_store import SqliteStore

    tables = Tables(SQLITE)
    return SqliteStore(name, tables, SqliteDatabase(name, url, tables, _given(SqliteOptions, name, options)))


def _open_postgres(name: str, url: str, options: Mapping[str, Any]) -> SqlStore:
    from holdall.stores.sql.postgres import PostgresDatabase
    from holdall.stores.sql.postgres_connecting import PostgresOptions

    tables = Tables(POSTGRESQL)
    database = PostgresDatabase(name, url, tables, _given(PostgresOptions, name, options))
    return DeferringSqlStore(name, tables, database, Hold.RESERVED)  # until the server is asked


def _open_engine(name: str, url: str, options: Mapping[str, Any]) -> SqlStore:
    from holdall.stores.sql.engine import EngineDatabase
    from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, url_of

    place, given = url_of(url), _given(EngineOptions, name, options)
    tables = Tables(Dialect.of(engine_at(place, given).dialect))
    if tables.dialect.family == "mysql":
        from holdall.stores.sql.engine_xa import XaDatabase

        return HoldingSqlStore(name, tables, XaDatabase(name, place, tables, given), Hold.PREPARED)
    return SqlStore(name, tables, EngineDatabase(name, place, tables, given))


def _given(kind: type[T], store: str, options: Mapping[str, Any]) -> T:
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        raise DeclarationError(f"store {store!r}: {error}") from error
