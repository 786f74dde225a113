"""Which SQL is spoken and which driver carries it: the one value that tables, codecs and compiler are made for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from holdall.query import Value

__all__ = ["OLDER_SQLITE", "POSTGRESQL", "SQLITE", "Dialect", "Element"]

Element: TypeAlias = sa.ColumnElement[Any]
"""A part of a statement that stands for a value."""


@dataclass(frozen=True)
class Dialect:
    """A family of SQL, SQLAlchemy's dialect that writes it, and the driver that carries rows.

    ``family`` is ``sqlite``, ``postgresql``, ``mysql`` (MariaDB and MySQL) or SQLAlchemy's name of any other.
    """

    family: str
    driver: str
    sqlalchemy: sa.engine.Dialect
    lower_collation: str | None = None  # see ``lowering``
    parses_json: bool = False  # its driver gives values of JSON columns that are no text any more

    @classmethod
    def of(cls, dialect: sa.engine.Dialect) -> Dialect:
        """The dialect of a SQLAlchemy engine (``engine.dialect``)."""
        family = "mysql" if dialect.name == "mariadb" else dialect.name
        return cls(family, dialect.driver, dialect, parses_json=family == "postgresql")

    @property
    def is_mariadb(self) -> bool:
        """Whether a server of the MySQL family is MariaDB; certain only after SQLAlchemy has connected to it."""
        return bool(getattr(self.sqlalchemy, "is_mariadb", False))

    @property
    def has_deferrable(self) -> bool:
        """Whether foreign keys can wait for the end of the transaction."""
        return self.family in ("sqlite", "postgresql", "oracle")

    @property
    def locks_rows(self) -> bool:
        """Whether writers wait for each other row by row, so that the order of their locks matters."""
        return self.family in ("postgresql", "mysql")

    @property
    def locks_batch_in_order(self) -> bool:
        """Whether our statement for many rows locks them in the order of their keys."""
        return self.family == "postgresql"

    @property
    def has_null_placement(self) -> bool:
        """Whether it knows NULLS FIRST and NULLS LAST."""
        return self.family in ("sqlite", "postgresql", "oracle")

    @property
    def nulls_are_smallest(self) -> bool:
        """Whether missing values sort before all others when nothing is said."""
        return self.family in ("sqlite", "mysql", "mssql")

    @property
    def orders_aggregates(self) -> bool:
        """Whether an aggregate takes an ORDER BY; SQLite does from 3.44 on, so that of a Python may not."""
        return self.driver not in ("pysqlite", "aiosqlite")

    @property
    def lower_probe(self) -> str | None:
        """The query to send to the server once, whose rows ``lowering`` takes; None if there is nothing to ask."""
        if self.family != "postgresql":
            return None
        return "SELECT collname::text FROM pg_collation WHERE collname IN ('und-x-icu', 'pg_unicode_fast', 'pg_c_utf8')"

    def lowering(self, rows: Iterable[Sequence[Value]]) -> Dialect:
        """The same dialect, lowering text under the best of the collations the server has."""
        present = {row[0] for row in rows}
        best = next((name for name in ("und-x-icu", "pg_unicode_fast", "pg_c_utf8") if name in present), None)
        return replace(self, lower_collation=best)

    @property
    def lowers_under(self) -> str | None:
        """The collation lower() needs for its letter case to be Unicode's; None if it needs none or there is none."""
        if self.family != "mysql":
            return self.lower_collation
        version = getattr(self.sqlalchemy, "server_version_info", None) or (0,)
        if self.is_mariadb:
            return "utf8mb4_uca1400_nopad_as_cs" if version >= (10, 10) else "utf8mb4_unicode_520_nopad_ci"
        return "utf8mb4_0900_as_cs"

    @property
    def exact_collation(self) -> str | None:
        """The collation that compares text code point by code point, spaces at the end included."""
        match self.family:
            case "postgresql":
                return "C"
            case "mysql":
                return "utf8mb4_nopad_bin" if self.is_mariadb else "utf8mb4_0900_bin"
        return None

    @property
    def session_setup(self) -> tuple[str, ...]:
        """The statements that every new connection runs once."""
        if self.family == "mysql":
            return ("SET SESSION group_concat_max_len = 1073741824", "SET SESSION time_zone = '+00:00'")
        return ()


SQLITE: Final = Dialect("sqlite", "apsw", SQLiteDialect_pysqlite(paramstyle="qmark"))
OLDER_SQLITE: Final = Dialect("sqlite", "pysqlite", SQLITE.sqlalchemy)
POSTGRESQL: Final = Dialect("postgresql", "asyncpg", PGDialect_asyncpg())  # type: ignore[no-untyped-call]
