"""Rows for records alone, no store: what it costs to make, check, read, write and encode one, and what one weighs."""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_PEERS = {
    "pydantic": "peers.pydantic_models",
    "sqlalchemy": "peers.sqlalchemy_models",
    "restio": "peers.restio_models",
}
_NANOSECONDS = 1e9
_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """One row per operation; raw is a plain msgspec struct, which tracks nothing."""

    def row(name: str, job: str, unit: str, scale: float, *, turns: int = 2, **more: bool) -> Row:
        def measure(module: str) -> Measure:
            return lambda: arena.worker(module).do(job, count=count, **more) * scale

        peers = {peer: measure(module) for peer, module in _PEERS.items()}
        return Row(f"model/{name}", unit, measure("raw.models"), measure("ours.models"), peers, turns)

    count = 1_000 if arena.is_quick else 5_000
    return [
        row("from-row", "from_row", "us", _MICROSECONDS),
        row("construct", "construct", "us", _MICROSECONDS),
        row("read", "read", "ns", _NANOSECONDS),
        row("write", "write", "us", _MICROSECONDS, is_again=False),
        row("write-again", "write", "us", _MICROSECONDS, is_again=True),
        row("to-json", "to_json", "us", _MICROSECONDS),
        row("memory", "memory", "B/record", 1.0, turns=1),
    ]
