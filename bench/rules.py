"""Rows for rules about records: reads of a user whose policy narrows them, beside the same condition by hand."""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6
_VERBS = ("get", "list", "count")


def rows(arena: Arena) -> list[Row]:
    """Three reads on SQLite and in memory, and a list over HTTP."""
    count = 200 if arena.is_quick else 1_000
    ours = "ours.rules"

    def measure(job: str, database: str) -> Measure:
        return lambda: arena.worker(ours).do(job, database=database, count=count) * _MICROSECONDS

    def row(store: str, verb: str, database: str) -> Row:
        by_hand, by_rule = measure(f"hand_{verb}", database), measure(f"rule_{verb}", database)
        return Row(f"rules/{store} {verb}", "us/request", by_hand, by_rule, turns=3)

    sqlite = f"sqlite:///{arena.sqlite(ours)}"
    reads = [row(store, verb, url) for store, url in (("sqlite", sqlite), ("memory", "memory:")) for verb in _VERBS]
    return [*reads, row("sqlite", "request", sqlite)]
