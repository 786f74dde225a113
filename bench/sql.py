"""Rows for bulk work on SQL: load, insert and update 10,000 records. The store is durable: a commit is on the disk.

Insert starts from records (raw: tuples) that are there and ends with the commit; update starts from loaded ones,
gives two fields of each new values and ends with the commit.
"""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """Three verbs on each of the two databases."""
    count = 2_000 if arena.is_quick else 10_000

    def sqlite(module: str, job: str) -> Measure:
        """Each contestant on a file of its own."""
        database = arena.sqlite(module)
        return lambda: arena.worker(module).do(job, database=database, count=count) * _MICROSECONDS

    def postgres(module: str, job: str) -> Measure:
        """Each contestant in a database of its own on one server."""
        name = module.replace(".", "_")
        return lambda: arena.worker(module).do(job, database=arena.postgres.database(name), count=count) * _MICROSECONDS

    def sqlite_row(verb: str, **others: Measure) -> Row:
        peers = {
            "sqlalchemy orm": sqlite("peers.sqlalchemy_sqlite", f"orm_{verb}"),
            "core": sqlite("peers.sqlalchemy_sqlite", f"core_{verb}"),
            "raw apsw": sqlite("raw.sqlite_apsw", verb),
        }
        raw, ours = sqlite("raw.sqlite_stdlib", verb), sqlite("ours.sql", f"sqlite_{verb}")
        return Row(f"sqlite/{verb}", "us/row", raw, ours, {**peers, **others})

    def postgres_row(verb: str, *ways: str) -> Row:
        peers = {
            "sqlalchemy orm": postgres("peers.sqlalchemy_postgres", f"orm_{verb}"),
            "core": postgres("peers.sqlalchemy_postgres", f"core_{verb}"),
            **{f"raw {way}": postgres("raw.postgres", f"{verb}_{way}") for way in ways},
        }
        raw, ours = postgres("raw.postgres", verb), postgres("ours.sql", f"postgres_{verb}")
        return Row(f"postgres/{verb}", "us/row", raw, ours, peers)

    return [
        sqlite_row("load", **{"raw converted": sqlite("raw.sqlite_stdlib", "load_converted")}),
        sqlite_row("insert"),
        sqlite_row("update"),
        postgres_row("load"),
        postgres_row("insert", "copy", "unnest"),
        postgres_row("update", "unnest"),
    ]
