"""Rows for work over two stores at once: two SQLite files, or PostgreSQL and Redis; a commit in SQL is on the disk.

A commit writes one record to each: by hand that is two commits, one after the other, and a kill between them leaves
half. A filter chooses a tenth of 10,000 books by the country of their author, who is in the other file.
"""

from __future__ import annotations

from bench.arena import Arena
from bench.redis import Redis
from bench.run import Measure, Row

_MICROSECONDS = 1e6
# Whose database of the Redis server is used.
_ON_REDIS = {"raw.several": "raw.redis", "ours.several": "ours.redis"}


def rows(arena: Arena) -> list[Row]:
    """A commit and a filter over two stores."""
    count = 50 if arena.is_quick else 200

    def measured(module: str, job: str, many: int) -> Measure:
        database = arena.sqlite(f"{module}.{job}")
        return lambda: arena.worker(module).do(job, database=database, count=many) * _MICROSECONDS

    started: list[Redis] = []

    def servers(module: str) -> Measure:
        def measure() -> float:
            if not started:
                started.append(arena.enter_context(Redis()))
            database = f"{arena.postgres.database('several')} {started[0].database(_ON_REDIS[module])}"
            return arena.worker(module).do("commit_servers", database=database, count=count) * _MICROSECONDS

        return measure

    return [
        Row("several/postgres+redis", "us", servers("raw.several"), servers("ours.several")),
        Row(
            "several/commit",
            "us",
            measured("raw.several", "commit", count),
            measured("ours.several", "commit", count),
            {
                "raw one store": measured("raw.several", "commit_one", count),
                "raw ours, one store": measured("ours.several", "commit_one", count),
            },
        ),
        Row(
            "several/filter",
            "us",
            measured("raw.several", "select", 10_000),
            measured("ours.several", "select", 10_000),
        ),
    ]
