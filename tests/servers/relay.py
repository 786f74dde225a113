"""A way to a server that may lead elsewhere later, ask who comes, or forget what it carries; it knows no protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self, TypeAlias

__all__ = ["Relay"]

Greet: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes | None]]
"""Speaks with a client before the server is reached: what is to be sent there first, or None to send it away."""


class Relay:
    """Passes connections on to ``target``, a host and a port; use it in an ``async with`` block of the loop it is for.

    ``port`` is its own, on 127.0.0.1; ``accepted`` counts the clients there ever were.
    """

    def __init__(self, host: str, port: int, greet: Greet | None = None) -> None:
        self.target = (host, port)
        self.port = 0
        self.accepted = 0
        self._greet = greet
        self._generation = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    def forget(self) -> None:
        """Let nothing more through on the connections there are, which stay open."""
        self._generation += 1

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.append(writer)
        first = b"" if self._greet is None else await self._greet(reader, writer)
        if first is None:
            writer.close()
            return
        there, here = await asyncio.open_connection(*self.target)
        self._writers.append(here)
        here.write(first)
        self._tasks.update(map(asyncio.ensure_future, (self._pass(reader, here), self._pass(there, writer))))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        born = self._generation
        while data := await reader.read(65536):
            if born == self._generation:
                writer.write(data)
        writer.close()
