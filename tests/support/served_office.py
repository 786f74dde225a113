"""A library in three stores, served on a port of this machine, for browsers with scripts."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from holdall import Holdall, Role
from holdall.admin import Admin, AdminView, Chart, Counter
from holdall.cli import listen
from tests.support.back_office import Author, Book, library

__all__ = ["CANARY", "ServedOffice"]

CANARY = "<script>window.canary=1</script><img src=x onerror=window.canary=1>\"'{{7*7}}"
"""Text that does something where a page takes it for more than text."""

_SECONDS = 60.0
_SETTINGS = Admin(
    title="Library",
    views={Book: AdminView(groups={"Shelf": ["place", "tags", "price"]}, widgets={"blurb": "long"})},
    dashboard=[Counter("Books", "books"), Chart("Books by colour", "books", group="colour")],
)


class _Server(uvicorn.Server):
    """A server that says when it has started, and leaves signals to the program."""

    def __init__(self, config: uvicorn.Config, is_ready: threading.Event) -> None:
        super().__init__(config)
        self._is_ready = is_ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._is_ready.set()


class ServedOffice:
    """The library: books in SQLite, authors in YAML, accounts in memory; as a block it starts and ends."""

    def __init__(self, folder: Path, before: Any = None) -> None:
        self._folder = folder
        self._before = before
        self._listener = listen("127.0.0.1", 0)
        self._server: _Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._is_ready = threading.Event()
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/admin"
        self.app: Any = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(_SECONDS), "the service did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(_SECONDS)

    async def _serve(self) -> None:
        stores = {"main": f"sqlite:///{self._folder / 'books.db'}", "other": f"yaml:{self._folder / 'authors'}"}
        app, service, _ = await library(
            admin=_SETTINGS, stores=stores, has_password="everybody", before=self._declare, docs=False
        )
        self.app = app
        async with app.session() as session:
            session.add(Author(code="XSS", name=CANARY))
            await session.commit()
            for number in range(60):
                made = Book(title=f"Volume {number:02}", blurb=CANARY, owner=CANARY, tags=[CANARY], author="XSS")
                made.data = {CANARY: CANARY}
                session.add(made)
            session.add(Book(title=CANARY, blurb=CANARY, author="UKL"))
        config = uvicorn.Config(service, log_level="warning", lifespan="on")
        self._server = _Server(config, self._is_ready)
        await self._server.serve(sockets=[self._listener])

    def _declare(self, app: Holdall) -> None:
        app.add_audit(Book, store="main", read=Role("editor", "admin"))
        if self._before is not None:
            self._before(app)
