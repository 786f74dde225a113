"""Rows for bulk work on MongoDB: save, load and find 10,000 records, on a server from a wheel or the one at MONGO_URL.

Save starts from records (raw: tuples) that are there and ends when the server has them; ours is all or none, and so is
"raw transaction". Load gives all of them, query the 1,000 whose pages lie in a range, found by an index. Figures are
the client's CPU time: the server from the wheel is written in Python, and its time would hide ours.
"""

from __future__ import annotations

import contextlib
import os
from typing import Self
from urllib.parse import urlsplit

from bench.arena import Arena
from bench.process import Failure
from bench.run import Measure, Row
from tests.servers.secantus import Secantus

_MICROSECONDS = 1e6


class Mongo(contextlib.ExitStack):
    """A server in which each contestant has a database of its own; with ``MONGO_URL`` they stay there."""

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._address = os.environ.get("MONGO_URL") or self.enter_context(Secantus()).url
        except Exception as error:  # the wheel may be absent, or the machine may not let it run: both are reasons
            raise Failure(f"no MongoDB: set MONGO_URL or install secantusdb ({error})") from error
        return self

    def database(self, module: str) -> str:
        """The URL of the contestant's database."""
        name = f"holdall_bench_{module.replace('.', '_')}"
        return urlsplit(self._address)._replace(path=f"/{name}").geturl()


def rows(arena: Arena) -> list[Row]:
    """Three verbs."""
    count = 2_000 if arena.is_quick else 10_000
    started: list[Mongo] = []

    def measured(module: str, job: str) -> Measure:
        def measure() -> float:
            if not started:
                started.append(arena.enter_context(Mongo()))
            database = started[0].database(module)
            return arena.worker(module).do(job, database=database, count=count) * _MICROSECONDS

        return measure

    def row(verb: str, **others: Measure) -> Row:
        peers = {"beanie": measured("peers.beanie_book", verb), **others}
        return Row(f"mongo/{verb}", "us/row", measured("raw.mongo", verb), measured("ours.mongo", verb), peers)

    return [
        row("save", **{"raw transaction": measured("raw.mongo", "save_transaction")}),
        row("load"),
        row("query"),
    ]
