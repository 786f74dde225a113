"""The arena: starts what a row needs when it is first asked for, the same way for every contestant, and ends it all."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from bench.environment import peers_python
from bench.postgres import Postgres
from bench.process import DATA, Server, Worker


class Arena(contextlib.ExitStack):
    """Workers, servers and databases by contestant; leaving the block ends and removes them.

    ``is_quick`` asks for less of everything: a look, not a measurement.
    """

    def __init__(self, *, is_quick: bool = False) -> None:
        super().__init__()
        self.is_quick = is_quick
        self.worker = cache(self._start_worker)
        self.server = cache(self._start_server)

    def __enter__(self) -> Self:
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir(parents=True)
        self.callback(shutil.rmtree, DATA, ignore_errors=True)
        super().__enter__()
        return self

    @cached_property
    def postgres(self) -> Postgres:
        """The one PostgreSQL server all contestants share. Raises Failure if there is none."""
        return self.enter_context(Postgres())

    def sqlite(self, name: str) -> str:
        """The path of a contestant's own SQLite file."""
        return str(DATA / f"{name}.db")

    @contextlib.contextmanager
    def fresh_worker(self, module: str) -> Iterator[Worker]:
        """A worker nobody has used before, ended with the block."""
        worker = Worker(f"bench.{module}", _python(module))
        try:
            yield worker
        finally:
            worker.close()

    def _start_worker(self, module: str) -> Worker:
        """The worker for the jobs of ``bench.<module>``."""
        worker = Worker(f"bench.{module}", _python(module))
        self.callback(worker.close)
        return worker

    def _start_server(self, module: str, database: str) -> Server:
        """The server of ``bench.<module>:app`` on this database, a file's path or a URL."""
        server = Server(f"bench.{module}:app", {"BENCH_DATABASE": database}, _python(module))
        self.callback(server.close)
        return server


def _python(module: str) -> Path:
    return peers_python() if module.startswith("peers.") else Path(sys.executable)
