"""URLs as platforms give them lead to a store, and what would be read wrongly is refused."""

from __future__ import annotations

import pytest

from holdall.errors import DeclarationError
from holdall.store import open_store

FORMS = {
    "postgres://user:secret@host:5432/name": "PostgresDatabase",
    "postgres://user:secret@host/name?sslmode=require&channel_binding=require": "PostgresDatabase",
    "postgres://user:secret@host:6543/name?pgbouncer=true&connect_timeout=15": "PostgresDatabase",
    "POSTGRES://user:secret@host/name": "PostgresDatabase",
    "postgresql://user:secret@one:5432,two:5432/name?target_session_attrs=read-write": "PostgresDatabase",
    "postgresql+asyncpg://user:secret@host/name": "PostgresDatabase",
    "postgresql+psycopg2://user:secret@host/name": "PostgresDatabase",
    "postgres+psycopg://user:secret@host/name": "PostgresDatabase",
    "mysql://user:secret@host/name": "XaDatabase",
    "mysql+aiomysql://user:secret@host/name": "XaDatabase",
    "mysql+pymysql://user:secret@host/name": "XaDatabase",
    "mysql+mysqldb://user:secret@host:25060/name?ssl-mode=REQUIRED": "XaDatabase",
    "mariadb+asyncmy://user:secret@host/name": "XaDatabase",
    "sqlite+aiosqlite:///name.db": "SqliteDatabase",
    "sqlite+pysqlite:///name.db": "SqliteDatabase",
}


@pytest.mark.parametrize("url", FORMS)
def test_what_platforms_and_other_programs_call_a_database(url: str) -> None:
    store = open_store("main", url)
    assert type(store._database).__name__ == FORMS[url]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url", ["redis://host/0", "rediss://:secret@host:6379/1", "redis+cluster://host", "mongodb://host/name", "memory:"]
)
def test_what_has_a_plus_by_itself_is_found_whole(url: str) -> None:
    assert open_store("main", url).name == "main"


@pytest.mark.parametrize("url", ["smtp://host", "smtp+tls://host", "nothing", "mssql+pyodbc://host/name"])
def test_what_nobody_speaks_is_told(url: str) -> None:
    with pytest.raises(DeclarationError):
        open_store("main", url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:se#cret@host/name",
        "mysql://user:se#cret@host/name",
        "redis://:se#cret@host:6379/0",
        "mongodb://user:se#cret@host/name",
        "https://host/api#v1",
    ],
)
def test_a_sign_that_would_end_the_url_is_refused(url: str) -> None:
    with pytest.raises(DeclarationError, match="%23") as caught:
        open_store("main", url)
    assert "secret" not in str(caught.value)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "sqlite", "sqlite://x.db", "sqlite:///x.db?nosuch=1", "postgresql://host:abc/name", "mongodb://", "file:./x"],
)
def test_a_url_that_cannot_be_used_names_its_store(url: str) -> None:
    with pytest.raises(DeclarationError, match=r"^store 'reference': "):
        open_store("reference", url)


def test_options_in_a_url_of_yaml_are_refused() -> None:
    with pytest.raises(DeclarationError, match="give them to add_store"):
        open_store("reference", "yaml:./folder?layout=collection")
