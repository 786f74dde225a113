"""Rows for updates of all that a query means: 10,000 records in one statement, committed, and how many they were."""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """One value, and one that is computed, on each of the two databases."""
    count = 2_000 if arena.is_quick else 10_000

    def sqlite(module: str, job: str) -> Measure:
        return lambda: arena.worker(module).do(job, database=arena.sqlite(module), count=count) * _MICROSECONDS

    def postgres(module: str, job: str) -> Measure:
        database = arena.postgres.database(module.replace(".", "_"))
        return lambda: arena.worker(module).do(job, database=database, count=count) * _MICROSECONDS

    return [
        Row(f"{name}/update of a query, {way}", "us/row", of("raw.in_bulk", job), of("ours.in_bulk", job), turns=3)
        for name, of in (("sqlite", sqlite), ("postgres", postgres))
        for way, job in (("a value", f"{name}_value"), ("computed", f"{name}_computed"))
    ]
