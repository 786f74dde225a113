"""Rows for growth: the same work on SQLite with a thousand to a million records; what should stay flat stays flat.

``weigh`` is what the process grows by for each loaded record, its values included, in a process of its own.
"""

from __future__ import annotations

from pathlib import Path

from bench.arena import Arena
from bench.run import Measure, Row

_SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1M": 1_000_000}
_QUICK_SIZES = {"1k": 1_000, "10k": 10_000}
_LEAST_WEIGHED = 10_000  # fewer fit into what the process holds anyway
_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """Six rows for each size."""

    def file(module: str, count: int) -> str:
        return arena.sqlite(f"{module}-{count}")

    def insert(module: str, count: int) -> float:
        for path in Path(file(module, count)).parent.glob(f"{module}-{count}.db*"):
            path.unlink()
        return arena.worker(module).do("insert", database=file(module, count), count=count) * _MICROSECONDS

    def weigh(module: str, count: int) -> float:
        """In a fresh process, for an honest weight."""
        with arena.fresh_worker(module) as worker:
            return worker.do("weigh", database=file(module, count), count=count)

    def ask(verb: str, module: str, count: int) -> float:
        return arena.worker(module).do(verb, database=file(module, count), count=count) * _MICROSECONDS

    def measure(verb: str, module: str, count: int) -> Measure:
        def act() -> float:
            if verb == "insert":
                return insert(module, count)
            if not Path(file(module, count)).exists():
                insert(module, count)
            return weigh(module, count) if verb == "weigh" else ask(verb, module, count)

        return act

    def row(verb: str, unit: str, size: str, count: int) -> Row:
        return Row(
            f"growth/{verb}/{size}", unit, measure(verb, "raw.growth", count), measure(verb, "ours.growth", count)
        )

    units = {"insert": "us/record", "load": "us/record", "weigh": "B/record", "get": "us", "page": "us", "after": "us"}
    sizes = _QUICK_SIZES if arena.is_quick else _SIZES
    return [
        row(verb, unit, size, count)
        for verb, unit in units.items()
        for size, count in sizes.items()
        if verb != "weigh" or count >= _LEAST_WEIGHED
    ]
