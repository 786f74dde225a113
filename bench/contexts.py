"""Rows for contexts: a request's work in a context with middleware, beside the same in a session.

Get one record, list 50 of them, create one, each in a context or a session of its own.
"""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6
_VERBS = ("get", "list", "create")


def rows(arena: Arena) -> list[Row]:
    """Three verbs on SQLite and in memory, and the call of a service's method beside a plain one."""
    count = 100 if arena.is_quick else 500
    ours = "ours.contexts"

    def measure(job: str, database: str) -> Measure:
        return lambda: arena.worker(ours).do(job, database=database, count=count) * _MICROSECONDS

    def row(store: str, verb: str, database: str) -> Row:
        plain, within = measure(f"session_{verb}", database), measure(f"context_{verb}", database)
        return Row(f"contexts/{store} {verb}", "us/request", plain, within, turns=3)

    sqlite = f"sqlite:///{arena.sqlite(ours)}"
    return [row(store, verb, url) for store, url in (("sqlite", sqlite), ("memory", "memory:")) for verb in _VERBS]
