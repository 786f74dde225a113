"""The servers that arenas need, each started or found on first use, and empty databases on them."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from tests.contention.models import Arena
from tests.servers.embedded_postgres import EmbeddedPostgres
from tests.servers.scratch import scratch_database
from tests.servers.secantus import Secantus
from tests.servers.valkey import Valkey

__all__ = ["Scenery"]

_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
_MARIADB = "mariadb://root@127.0.0.1:3306/test"


class Scenery:
    """Use it in a ``with`` block. Unless ``is_embedded``, PostgreSQL is the machine's; MariaDB always is."""

    def __init__(self, *, is_embedded: bool = False, folder: str | None = None) -> None:
        self._is_embedded = is_embedded
        self._base = folder
        self._stack = ExitStack()
        self._servers: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._base is not None:
            Path(self._base).mkdir(parents=True, exist_ok=True)
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="arena-", dir=self._base)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def arena(self, kinds: tuple[str, ...], variant: str = "versions", records: int = 10) -> tuple[Arena, ExitStack]:
        """An arena of empty stores, and what drops its databases."""
        stack = ExitStack()
        name = f"a{uuid4().hex[:8]}"
        folder = self._folder / name
        folder.mkdir()
        urls = tuple([self._url(kind, side, folder, stack) for side, kind in enumerate(kinds)])
        return Arena(name, kinds, urls, str(folder), variant, records), stack

    def _url(self, kind: str, side: int, folder: Path, stack: ExitStack) -> str:
        match kind:
            case "sqlite":
                return f"sqlite:///{folder}/books{side}.db"
            case "yaml":
                return f"yaml:{folder}/books{side}"
            case "redis":
                return self._server(kind)
            case "mongo":  # a database is there once it is written to, and gone with its server
                return self._server(kind).replace("/test", f"/{folder.name}n{side}")
        return stack.enter_context(scratch_database(self._server(kind)))

    def _server(self, kind: str) -> str:
        if kind not in self._servers:
            self._servers[kind] = self._started(kind)
        return self._servers[kind]

    def _started(self, kind: str) -> str:
        match kind:
            case "redis":
                return self._stack.enter_context(Valkey(appendonly="yes")).url
            case "mongo":
                return self._stack.enter_context(Secantus()).url
            case "mariadb":
                return os.environ.get("MARIADB_URL", _MARIADB)
        if self._is_embedded:
            return self._stack.enter_context(EmbeddedPostgres()).url
        return os.environ.get("POSTGRES_URL", _POSTGRES)
