"""Rows for actions: the call of one that changes a field, beside the patch that changes the same."""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """A change in a session and over HTTP, on SQLite and in memory."""
    count = 100 if arena.is_quick else 500
    ours = "ours.acting"

    def measure(job: str, database: str) -> Measure:
        return lambda: arena.worker(ours).do(job, database=database, count=count) * _MICROSECONDS

    def row(store: str, door: str, database: str) -> Row:
        patch, action = measure(f"{door}_patch", database), measure(f"{door}_action", database)
        return Row(f"actions/{store} {door}", "us/call", patch, action, turns=3)

    stores = (("sqlite", f"sqlite:///{arena.sqlite(ours)}"), ("memory", "memory:"))
    return [row(store, door, url) for store, url in stores for door in ("session", "http")]
