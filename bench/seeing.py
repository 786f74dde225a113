"""Rows for statements of one's own, for groups, and for what it costs to be seen: off, by logs, by spans.

A statement gives 50 rows of ten columns, 300 times in a session; groups are five of 10,000 records, with their
number, a sum, a mean and an extreme. What is seen are queries of 50 records: `off` beside the same without the look at
who listens; `logs` and `spans` beside the same by hand around a query that is `off`, as logging and OpenTelemetry take
their time whoever calls them.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """Statements on two databases, and queries that are seen."""
    count = 100 if arena.is_quick else 300

    def sqlite(module: str, job: str) -> Measure:
        database = arena.sqlite(module)
        return lambda: arena.worker(module).do(job, database=database, count=count) * _MICROSECONDS

    def postgres(module: str, job: str) -> Measure:
        name = module.replace(".", "_")
        return lambda: arena.worker(module).do(job, database=arena.postgres.database(name), count=count) * _MICROSECONDS

    def seen(place: str, of: Callable[[str, str], Measure]) -> list[Row]:
        """Logs and spans beside the same made by hand around a query that nobody else sees; ``off`` is without any."""
        off = {"raw off": of(ours, f"{place}_off")}
        return [
            Row(
                f"seeing/{place} {how}",
                "us/query",
                of(ours, f"{place}_{how}_by_hand"),
                of(ours, f"{place}_{how}"),
                off,
                3,
            )
            for how in ("logs", "spans")
        ]

    ours = "ours.seeing"
    return [
        Row("sql/sqlite", "us/statement", sqlite("raw.statements", "sqlite"), sqlite(ours, "sqlite_sql"), turns=3),
        Row(
            "sql/postgres",
            "us/statement",
            postgres("raw.statements", "postgres"),
            postgres(ours, "postgres_sql"),
            turns=3,
        ),
        Row("sql/sqlite groups", "us/query", sqlite("raw.groups", "sqlite"), sqlite("ours.groups", "sqlite"), turns=3),
        Row(
            "sql/postgres groups",
            "us/query",
            postgres("raw.groups", "postgres"),
            postgres("ours.groups", "postgres"),
            turns=3,
        ),
        Row("seeing/sqlite off", "us/query", sqlite(ours, "sqlite_unseen"), sqlite(ours, "sqlite_off"), turns=3),
        *seen("sqlite", sqlite),
        *seen("postgres", postgres),
    ]
