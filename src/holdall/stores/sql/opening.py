"""From a URL to an SQL store: the scheme picks the driver, and only that driver is imported."""

from __future__ import annotations

from collections.abc import Mapping

from holdall.errors import DeclarationError
from holdall.store import Hold, demand_options, options_of
from holdall.stores.sql.deferring import DeferringSqlStore
from holdall.stores.sql.dialect import OLDER_SQLITE, POSTGRESQL, SQLITE, Dialect
from holdall.stores.sql.holding import HoldingSqlStore
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["open_engine", "open_sql"]


def open_sql(name: str, url: str | None = None, *, engine: object = None, **options: object) -> SqlStore:
    """Open the store at this URL, or over an ``engine`` of SQLAlchemy that the program made; no connection is made.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` (in memory), ``postgresql://user@host/name``
    or ``postgres://…``, ``mariadb://…``, ``mysql://…``, or ``dialect+driver://…`` for any async dialect of SQLAlchemy.
    SQLite, PostgreSQL, MariaDB and MySQL are reached by drivers of our choice, whatever driver the URL names. The
    options are those of ``SqliteOptions``, ``PostgresOptions`` or ``EngineOptions``. Raises DeclarationError for a
    wrong one.

    >>> open_sql("main", "sqlite:///library.db").name
    'main'

    The engine, an Engine or an AsyncEngine, is used as it is, with its pool, events and settings; who made it disposes
    of it. ``metadata``, one MetaData or several, makes the tables that it knows.

    >>> from sqlalchemy import MetaData, create_engine
    >>> open_sql("main", engine=create_engine("sqlite:///library.db"), metadata=MetaData()).capabilities.commit
    <CommitClass.TX: 'tx'>
    """
    if engine is not None:
        if url is not None:
            raise DeclarationError(f"store {name!r} takes a URL or an engine, not both")
        return _open_given(name, engine, options)
    if url is None:
        raise DeclarationError(f"store {name!r} needs a URL or an engine")
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
    from holdall.stores.sql.sqlite_connection import SqliteOptions, place_of
    from holdall.stores.sql.sqlite_store import SqliteStore

    given = options_of(SqliteOptions, name, options)
    place = place_of(url, given.driver)
    return SqliteStore(name, Tables(OLDER_SQLITE if place.is_older else SQLITE), place, given)


def _open_postgres(name: str, url: str, options: Mapping[str, object]) -> SqlStore:
    from holdall.stores.sql.postgres import PostgresDatabase
    from holdall.stores.sql.postgres_connecting import PostgresOptions

    given, tables = options_of(PostgresOptions, name, options), Tables(POSTGRESQL)
    store = DeferringSqlStore(name, tables, PostgresDatabase(name, url, tables, given), Hold.RESERVED)
    if given.replicas:  # the hold is certain once the server is asked
        places = [_like(name, each, ("postgresql", "postgres")) for each in given.replicas]
        store.follow([PostgresDatabase(name, f"postgresql://{place}", tables, given) for place in places])
    return store


def _open_engine(name: str, url: str, options: Mapping[str, object]) -> SqlStore:
    from holdall.stores.sql.engine import EngineDatabase
    from holdall.stores.sql.engine_connecting import EngineOptions, engine_at, url_of

    place, given = url_of(url), options_of(EngineOptions, name, options)
    tables = Tables(Dialect.of(engine_at(place, given).dialect))
    if tables.dialect.family == "mysql":
        from holdall.stores.sql.engine_xa import XaDatabase

        store: SqlStore = HoldingSqlStore(name, tables, XaDatabase(name, place, tables, given), Hold.PREPARED)
    else:
        store = SqlStore(name, tables, EngineDatabase(name, place, tables, given))
    if given.replicas:
        schemes = ("mysql", "mariadb") if tables.dialect.family == "mysql" else (tables.dialect.family,)
        for each in given.replicas:
            _like(name, each, schemes)
        store.follow([EngineDatabase(name, url_of(each), tables, given) for each in given.replicas])
    return store


def _like(store: str, url: str, schemes: tuple[str, ...]) -> str:
    """The place of a replica. Raises DeclarationError for a server of another kind."""
    scheme, slashes, place = url.partition("://")
    if not slashes or scheme.partition("+")[0] not in schemes:
        raise DeclarationError(f"store {store!r}: the URL of a replica begins as the store's own, {schemes[0]}://host")
    return place


def open_engine(name: str, url: str, *, engine: object = None, metadata: object = None) -> SqlStore:
    """Open the store over an engine of SQLAlchemy: ``add_store("main", "sqlalchemy:", engine=engine)``.

    Raises DeclarationError without an engine. Otherwise as ``open_sql``.

    >>> from sqlalchemy import create_engine
    >>> open_engine("main", "sqlalchemy:", engine=create_engine("sqlite:///library.db")).name
    'main'
    """
    if url != "sqlalchemy:" or engine is None:
        raise DeclarationError(
            f"store {name!r}: sqlalchemy: is for an engine: add_store({name!r}, 'sqlalchemy:', engine=…)"
        )
    return _open_given(name, engine, {"metadata": metadata})


def _open_given(name: str, engine: object, options: Mapping[str, object]) -> SqlStore:
    from holdall.stores.sql.given_connections import dialect_of
    from holdall.stores.sql.given_engine import GivenEngine
    from holdall.stores.sql.given_store import GivenStore, metadata_of

    demand_options(["metadata"], name, options)
    tables = Tables(dialect_of(name, engine))
    return GivenStore(name, tables, GivenEngine(name, engine, tables), metadata_of(name, options.get("metadata")))


def _without_slashes(url: str) -> str:
    scheme, _, rest = url.partition(":")
    if scheme.partition("+")[0] == "sqlite":
        return f"a SQLite file is named by sqlite:///{rest.lstrip('/')}, or with four slashes from the root"
    return f"the URL of a database begins with {scheme}://host"
