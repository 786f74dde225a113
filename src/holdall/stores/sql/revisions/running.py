"""Revisions carried out: by one program at a time, in one transaction where the database can."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from holdall.errors import RevisionError
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.revisions.comparing import VERSIONS
from holdall.stores.sql.revisions.reflecting import as_defined

__all__ = ["applied", "done_by", "downwards", "run", "script_between", "stamp", "upwards"]

_LOCK = 4_807_526_976  # of everybody who revises tables of the database
_PATIENCE = 10  # seconds

Steps = Callable[[Sequence[str], Any], list[Any]]
"""From the last revisions that were carried out, and Alembic's context, to the steps to come."""


def applied(connection: sa.Connection) -> tuple[str, ...]:
    """The names of the last revisions that were carried out; with more than one line, one of each."""
    return MigrationContext.configure(connection, opts={"version_table": VERSIONS}).get_current_heads()


def run(store: str, connection: sa.Connection, scripts: ScriptDirectory, dialect: Dialect, steps: Steps) -> None:
    """Carry out the steps that the function gives. Raises RevisionError; with transactions, nothing is changed then."""
    is_whole = dialect.family in ("sqlite", "postgresql")
    found: list[str] = []

    def noting(current: Sequence[str], context: Any) -> list[Any]:
        found.extend(current)
        return steps(current, context)

    with _turn(store, connection, dialect), as_defined(dialect), _told(store, found):
        with EnvironmentContext(Config(), scripts, fn=noting) as environment:
            environment.configure(
                connection=connection,
                transactional_ddl=is_whole,
                transaction_per_migration=not is_whole,
                version_table=VERSIONS,
            )
            counted = _counted(connection) if dialect.family == "sqlite" else {}
            with environment.begin_transaction():
                environment.run_migrations()
        if dialect.family == "sqlite":
            _count_on(connection, counted)
            _demand_references(store, connection)


def upwards(scripts: ScriptDirectory, target: str, current: Sequence[str]) -> list[Any]:
    """The steps from what was carried out up to a revision; none where that was carried out.

    Raises CommandError for a revision on another line.
    """
    if target in done_by(scripts, current):
        return []
    found = list(scripts.iterate_revisions(target, _last(current)))
    return [MigrationStep.upgrade_from_script(scripts.revision_map, each) for each in reversed(found)]


def downwards(scripts: ScriptDirectory, target: str, current: Sequence[str]) -> list[Any]:
    """The steps from what was carried out down to a revision. Raises CommandError for one that was not carried out."""
    found = list(scripts.iterate_revisions(_last(current), target)) if current else []
    return [MigrationStep.downgrade_from_script(scripts.revision_map, each) for each in found]


def done_by(scripts: ScriptDirectory, current: Sequence[str]) -> set[str]:
    """The revisions that lead to these, themselves among them."""
    return {each.revision for each in scripts.iterate_revisions(tuple(current), "base")} if current else set()


def _last(current: Sequence[str]) -> str:
    return current[0] if current else "base"


def stamp(connection: sa.Connection, scripts: ScriptDirectory, target: str) -> None:
    """Note that the tables are as a revision leaves them."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSIONS})
    context.stamp(scripts, target)
    connection.commit()


def script_between(scripts: ScriptDirectory, dialect: Dialect, start: str, target: str) -> str:
    """The SQL from one revision to another. Raises CommandError for what needs a connection."""
    text = io.StringIO()

    def steps(current: Sequence[str], _: Any) -> list[Any]:
        return upwards(scripts, target, [] if start == "base" else [start])

    options = {"as_sql": True, "starting_rev": None if start == "base" else start, "destination_rev": target}
    with EnvironmentContext(Config(), scripts, fn=steps, **options) as environment:
        environment.configure(
            dialect_name=dialect.sqlalchemy.name,
            literal_binds=True,
            output_buffer=text,
            version_table=VERSIONS,
            transactional_ddl=dialect.family in ("sqlite", "postgresql"),
        )
        with environment.begin_transaction():
            environment.run_migrations()
    return text.getvalue()


@contextmanager
def _turn(store: str, connection: sa.Connection, dialect: Dialect) -> Iterator[None]:
    """Within the block, nobody else revises the tables; what was not committed is taken back after an error."""
    if dialect.family == "mysql":
        if not connection.execute(sa.text(f"SELECT GET_LOCK('holdall_revisions', {_PATIENCE})")).scalar():
            raise RevisionError(store, "another program is revising the tables")
        connection.commit()
        try:
            yield
        finally:
            connection.rollback()
            connection.execute(sa.text("SELECT RELEASE_LOCK('holdall_revisions')"))
            connection.commit()
        return
    with connection.begin():
        if dialect.family == "postgresql":
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))  # no table with checks to come can be altered
        yield


@contextmanager
def _told(store: str, current: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise RevisionError(store, str(error)) from error
    except sa.exc.DBAPIError as error:
        kind = type(error.orig).__name__
        words = (error.statement or "").split()
        during = f" at {' '.join(words[:3])} …" if words[:1] in (["ALTER"], ["CREATE"], ["DROP"], ["UPDATE"]) else ""
        hint = (
            "; no revision is carried out here: tables that create made, and not the first revision, are made by"
            " holdall create and noted by holdall db stamp"
        )
        raise RevisionError(
            store, f"the database refuses a revision{during} ({kind}){'' if current else hint}"
        ) from error


def _counted(connection: sa.Connection) -> dict[str, int]:
    """The last key that SQLite has given in each table that never gives one twice."""
    if not connection.execute(sa.text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).scalar():
        return {}
    rows = connection.execute(sa.text("SELECT name, seq FROM sqlite_sequence")).all()
    return {str(row[0]): int(row[1]) for row in rows}


def _count_on(connection: sa.Connection, counted: dict[str, int]) -> None:
    """Let tables that were made anew go on counting."""
    for name, number in counted.items():
        moved = sa.text("UPDATE sqlite_sequence SET seq = :number WHERE name = :name AND seq < :number")
        inserted = sa.text(
            "INSERT INTO sqlite_sequence (name, seq) SELECT :name, :number WHERE NOT EXISTS"
            " (SELECT 1 FROM sqlite_sequence WHERE name = :name) AND EXISTS"
            " (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name AND sql LIKE '%AUTOINCREMENT%')"
        )
        for statement in (moved, inserted):
            connection.execute(statement, {"name": name, "number": number})


def _demand_references(store: str, connection: sa.Connection) -> None:
    """Raise RevisionError for a reference to what is not there, which SQLite did not look at meanwhile."""
    for table, _, target, _ in connection.execute(sa.text("PRAGMA foreign_key_check")):
        raise RevisionError(store, f"rows of {table} would refer to rows of {target} that are not there")
