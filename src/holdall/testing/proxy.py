"""A TCP proxy that does to a connection what networks do, whenever a test says so. The proxy knows no protocol."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from holdall.testing.fault import Fault, FaultSetting

__all__ = ["FaultProxy"]

_HOST = "127.0.0.1"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST instead of FIN
_PIECE = 65_536


class FaultProxy:
    """A proxy before the server at ``host`` and ``port``, in an ``async with`` block of the loop that uses it.

    The proxy listens on 127.0.0.1, on a ``port`` of its own. ``connections`` counts clients that are connected now,
    ``accepted`` all there ever were, ``requests`` what they sent: everything up to the next answer is one.

    >>> async def example() -> tuple[bytes, str]:
    ...     async def echo(reader, writer):
    ...         while line := await reader.readline():
    ...             writer.write(line)
    ...         writer.close()
    ...     server = await asyncio.start_server(echo, "127.0.0.1", 0)
    ...     async with server, FaultProxy(*server.sockets[0].getsockname()) as proxy:
    ...         reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    ...         writer.write(b"one\\n")
    ...         answer = await reader.readline()
    ...         await proxy.fail(Fault.RESET_ANSWER)
    ...         writer.write(b"two\\n")
    ...         try:
    ...             await reader.readline()
    ...         except ConnectionError as error:
    ...             return answer, type(error).__name__
    >>> asyncio.run(example())
    (b'one\\n', 'ConnectionResetError')
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._setting = FaultSetting()
        self._place: socket.socket | None = None
        self._listener: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.accepted = 0
        self.requests = 0
        self._left = 0

    @property
    def connections(self) -> int:
        """Clients that are connected now."""
        return sum(link.has_client for link in self._links)

    @property
    def is_settled(self) -> bool:
        """Whether nothing of clients that are gone is still to be delivered."""
        return all(link.has_client for link in self._links)

    @property
    def fault(self) -> Fault:
        """The fault that is set, see ``Fault``."""
        return self._setting.fault

    def through(self, url: str) -> str:
        """Return the URL with this proxy in place of its host and port."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        place = f"{_HOST}:{self.port}"
        return parts._replace(netloc=f"{user}@{place}" if user else place).geturl()

    async def fail(self, fault: Fault, *, after: int = 0, size: int = 16, delay: float = 0.01) -> None:
        """Fail in this way from now on; the parameters are those of ``FaultSetting`` (``size`` in bytes, ``delay`` in
        seconds).
        """
        was, self._setting, self._left = self._setting, FaultSetting(fault, after, size, delay), after
        if fault is Fault.REFUSE and self._listener is not None:
            self._listener.close()
            self._listener = None
            for link in list(self._links):
                link.reset()
        elif self._listener is None:
            await self._listen()
        if was.fault is not fault:
            for link in list(self._links):
                link.release()

    async def heal(self) -> None:
        """Pass everything on from now on, and first the bytes that were held back."""
        await self.fail(Fault.NONE)

    def _asked(self) -> FaultSetting:
        """A request has come: what is to go wrong with it."""
        self.requests += 1
        if self._setting.fault is Fault.NONE:
            return self._setting
        if self._left:
            self._left -= 1
            return FaultSetting()
        return self._setting

    async def _listen(self) -> None:
        """Listen beside a socket that only keeps the port, so that nobody else gets it while we refuse."""
        if self._place is None:
            self._place = _bound(0)
            self.port = self._place.getsockname()[1]
        self._listener = await asyncio.start_server(self._accept, sock=_bound(self.port), limit=_PIECE)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = _Link(self, reader, writer)
        self._links.add(link)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await link.run(*self._target)
        finally:
            self._links.discard(link)
            self._tasks.discard(task)

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        for link in list(self._links):
            link.reset()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._place is not None:
            self._place.close()


class _Link:
    """One client's connection and the one to the server behind it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = (reader, writer)
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._setting = FaultSetting()
        self._is_asking = False
        self._passed = 0  # bytes of the request or answer that is to be cut
        self._to_server: list[bytes] = []
        self._to_client: list[bytes] = []
        self._released = asyncio.Event()
        self.has_client = True

    async def run(self, host: str, port: int) -> None:
        """Pass on what comes, in both directions, until either side is gone."""
        try:
            self._server = await asyncio.open_connection(host, port, limit=_PIECE)
        except OSError:
            self.reset()
            return
        asking = asyncio.ensure_future(self._pass_requests())
        answering = asyncio.ensure_future(self._pass_answers())
        await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
        if asking.done() and self._to_server:
            await self._released.wait()  # a network delivers what was sent, even of those that are gone
        for task in (asking, answering):
            task.cancel()
        await asyncio.wait([asking, answering])
        self.has_client = False
        for _, writer in (self._client, self._server):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def release(self) -> None:
        """Send on what was held back."""
        self._setting = FaultSetting()
        for held, side in ((self._to_server, self._server), (self._to_client, self._client)):
            if held and side is not None and not side[1].is_closing():
                side[1].write(b"".join(held))
            held.clear()
        self._released.set()

    def reset(self) -> None:
        """Break off both connections, so that either side sees a reset."""
        self._to_server.clear()
        self._released.set()
        self.has_client = False
        for side in (self._client, self._server):
            if side is not None and not side[1].is_closing():
                with suppress(OSError):
                    side[1].get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                side[1].transport.abort()

    async def _pass_requests(self) -> None:
        assert self._server is not None
        reader, writer = self._client[0], self._server[1]
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                if not self._is_asking:
                    self._is_asking, self._passed = True, 0
                    self._setting = self._proxy._asked()
                match self._setting.fault:
                    case Fault.RESET_REQUEST:
                        self.reset()
                    case Fault.CUT_REQUEST:
                        await self._cut(writer, data)
                    case Fault.HANG_REQUEST:
                        self._released.clear()
                        self._to_server.append(data)
                    case Fault.SLOW:
                        await self._dribble(writer, data)
                    case _:
                        await _send(writer, data)
        self.has_client = False

    async def _pass_answers(self) -> None:
        assert self._server is not None
        reader, writer = self._server[0], self._client[1]
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                if self._is_asking:
                    self._is_asking, self._passed = False, 0
                match self._setting.fault:
                    case Fault.RESET_ANSWER:
                        self.reset()
                    case Fault.CUT_ANSWER:
                        await self._cut(writer, data)
                    case Fault.HANG_ANSWER:
                        self._to_client.append(data)
                    case Fault.SLOW:
                        await self._dribble(writer, data)
                    case Fault.GARBAGE:
                        await _send(writer, random.Random(len(data)).randbytes(len(data)))
                    case _:
                        await _send(writer, data)

    async def _cut(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        part = data[: self._setting.size - self._passed]
        await _send(writer, part)
        self._passed += len(part)
        if self._passed >= self._setting.size:
            await asyncio.sleep(0.001)  # a reset overtakes what has not been read yet
            self.reset()

    async def _dribble(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size, delay = self._setting.size, self._setting.delay
        for start in range(0, len(data), size):
            if self._setting.fault is Fault.SLOW:
                await asyncio.sleep(delay)
            await _send(writer, data[start : start + size])


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((_HOST, port))
    return made
