"""Which SQL is spoken and which driver carries it: the one value that tables, codecs and compiler are made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

__all__ = ["POSTGRESQL", "SQLITE", "Dialect"]


@dataclass(frozen=True)
class Dialect:
    """A family of SQL, SQLAlchemy's dialect that writes it, and the driver that carries rows.

    ``family`` is ``sqlite``, ``postgresql``, ``mysql`` (MariaDB and MySQL) or SQLAlchemy's name of any other.
    """

    family: str
    driver: str
    sqlalchemy: sa.engine.Dialect
    lower_collation: str | None = (
        None  # the collation under which lower() treats all of Unicode, where one must be named
    )

    @classmethod
    def of(cls, dialect: sa.engine.Dialect) -> Dialect:
        """The dialect of a SQLAlchemy engine (``engine.dialect``)."""
        family = "mysql" if dialect.name == "mariadb" else dialect.name
        return cls(family, dialect.driver, dialect)

    @property
    def is_mariadb(self) -> bool:
        """Whether a server of the MySQL family is MariaDB; certain only after SQLAlchemy has connected to it."""
        return bool(getattr(self.sqlalchemy, "is_mariadb", False))

    @property
    def has_deferrable(self) -> bool:
        """Whether foreign keys can wait for the end of the transaction."""
        return self.family in ("sqlite", "postgresql", "oracle")

    @property
    def has_null_placement(self) -> bool:
        """Whether it knows NULLS FIRST and NULLS LAST."""
        return self.family in ("sqlite", "postgresql", "oracle")

    @property
    def nulls_are_smallest(self) -> bool:
        """Whether missing values sort before all others when nothing is said."""
        return self.family in ("sqlite", "mysql", "mssql")

    @property
    def session_setup(self) -> tuple[str, ...]:
        """What every new connection must be told once."""
        if self.family == "mysql":
            return ("SET SESSION group_concat_max_len = 1073741824", "SET SESSION time_zone = '+00:00'")
        return ()


SQLITE: Final = Dialect("sqlite", "apsw", SQLiteDialect_pysqlite(paramstyle="qmark"))
POSTGRESQL: Final = Dialect("postgresql", "asyncpg", PGDialect_asyncpg())  # type: ignore[no-untyped-call]
