"""Rows for events: a commit of one store with a row for the outbox, beside the same commit without.

100 records, of ten columns, are changed one by one, each in a session and a commit of its own; `ten` are ten records in
one commit. `none` is an application in which another collection has listeners.
"""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """Commits with an outbox on two databases."""
    count = 50 if arena.is_quick else 300

    def sqlite(job: str) -> Measure:
        database = arena.sqlite("ours.events")
        worker = arena.worker("ours.events")
        return lambda: worker.do(job, url=f"sqlite:///{database}", count=count) * _MICROSECONDS

    def postgres(job: str) -> Measure:
        worker = arena.worker("ours.events")
        return lambda: worker.do(job, url=arena.postgres.database("ours_events"), count=count) * _MICROSECONDS

    return [
        Row(f"events/{place} {name}", "us/commit", measure("plain" + more), measure(job + more), turns=3)
        for place, measure in (("sqlite", sqlite), ("postgres", postgres))
        for name, job, more in (("outbox", "outbox", ""), ("outbox ten", "outbox", "_ten"), ("none", "none", ""))
    ]
