"""An HTTP server that answers as servers should not: scripted replies, broken ones among them, for tests of clients.

async with FaultServer() as server:
    server.script(FAULTS["unavailable"], Reply.json({"id": 1}))
    ...                                     # a client calls server.url, is put off once, and gets its record
    assert [request.method for request in server.requests] == ["GET", "GET"]
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec

__all__ = ["FAULTS", "FaultServer", "Reply", "Request"]

_MOST_HEAD = 2**20
_FOREVER = 3_600.0  # seconds


class Request(msgspec.Struct, frozen=True):
    """A request as the client sent it; the names of ``headers`` are in lower case. Example: :class:`FaultServer`."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A reply, and the way in which it is sent.

    ``length`` is what Content-Length says where it is not the truth, -1 where it says nothing and the end of the
    connection ends the body. ``times`` sends the body so often. ``cut_after`` closes the connection after this many
    bytes of the whole reply. ``delay`` passes before the first byte, ``pause`` between any two pieces of ``piece``
    bytes; all in seconds.

    Example: :class:`FaultServer`.
    """

    status: int = 200
    body: bytes = b"{}"
    media_type: str = "application/json"
    headers: Mapping[str, str] = {}
    length: int | None = None
    times: int = 1
    cut_after: int | None = None
    delay: float = 0.0
    pause: float = 0.0
    piece: int = 65_536

    @classmethod
    def json(cls, value: object, status: int = 200, **headers: str) -> Reply:
        """A reply as it should be; underscores in the headers' names stand for hyphens."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status=status, body=msgspec.json.encode(value), headers=names)

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        lines = [f"HTTP/1.1 {self.status} {'OK' if self.status < 300 else 'Trouble'}"]
        lines += [f"Content-Type: {self.media_type}"] if self.media_type else []
        length = len(self.body) * self.times if self.length is None else self.length
        lines += [f"Content-Length: {length}"] if length >= 0 else ["Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


def _packed_blanks(pieces: int) -> bytes:
    """Pack this number of MiB of blanks as zlib does, by repeating one packed piece."""
    size = pieces * 2**20
    packer = zlib.compressobj()
    packed = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)  # nothing refers to what was before
    low, high = 1 + size * 32, size + 32 * size * (size + 1) // 2  # the sums of Adler-32, for bytes that are all 32
    checksum = (high % 65_521 << 16) + low % 65_521
    return packed[:2] + packed[2:] * pieces + b"\x03\x00" + checksum.to_bytes(4, "big")


FAULTS: Mapping[str, Reply] = {
    "error": Reply(status=500, body=b'{"why": "broken"}'),
    "bad gateway": Reply(status=502, body=b"<html>Bad Gateway</html>", media_type="text/html"),
    "unavailable": Reply(status=503, headers={"Retry-After": "0"}),
    "unavailable for long": Reply(status=503, headers={"Retry-After": "86400"}),
    "too many": Reply(status=429, headers={"Retry-After": "0"}),
    "gateway timeout": Reply(status=504, body=b"", media_type=""),
    "length too long": Reply(length=1_000),
    "length too short": Reply(body=b'{"id": 1, "name": "one"}', length=5),
    "no answer": Reply(cut_after=0),
    "cut in the head": Reply(cut_after=20),
    "cut in the body": Reply(body=b" " * 10_000, cut_after=5_000),
    "redirect away": Reply(status=307, headers={"Location": "http://192.0.2.1/elsewhere"}),
    "redirect in circles": Reply(status=307, headers={"Location": "?again"}),
    "huge": Reply(body=b" " * 2**20, times=64),
    "huge without length": Reply(body=b" " * 2**20, times=64, length=-1),
    "huge once unpacked": Reply(body=_packed_blanks(128), headers={"Content-Encoding": "deflate"}),
    "wrongly packed": Reply(headers={"Content-Encoding": "gzip"}),
    "slow": Reply(body=b" " * 1_000, piece=1, pause=0.05),
    "hanging": Reply(delay=_FOREVER),
    "not JSON": Reply(body=b'{"id": 1,'),
    "not UTF-8": Reply(body=b'{"id": 1, "name": "\xff"}'),
    "nested deeply": Reply(body=b"[" * 50_000 + b"]" * 50_000),
    "another type": Reply(body=b"<html>Log in first</html>", media_type="text/html"),
    "no type": Reply(media_type=""),
    "not HTTP": Reply(status=-1),
}
"""Replies that a client must survive, by name."""


class FaultServer:
    """Listens on a port of 127.0.0.1 while its block lasts, on the loop that opened it.

    Scripted replies go out in order, one for each request; then ``otherwise`` is asked, which may do what it is asked
    and answer with a fault. ``requests`` is what came, ``connections`` how many are open. An exception of ``otherwise``
    is raised when the block ends.

    >>> import asyncio
    >>> async def example() -> bytes:
    ...     async with FaultServer() as server:
    ...         server.script(Reply.json({"id": 1}, status=503))
    ...         reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    ...         writer.write(b"GET / HTTP/1.1\\r\\n\\r\\n")
    ...         line = await reader.readline()
    ...         writer.close()
    ...         await writer.wait_closed()
    ...         return line, await server.quiet(), server.requests[0].method
    >>> asyncio.run(example())
    (b'HTTP/1.1 503 Trouble\\r\\n', True, 'GET')
    """

    def __init__(self, otherwise: Callable[[Request], Reply] | None = None) -> None:
        self.otherwise = otherwise or (lambda request: Reply())
        self.requests: list[Request] = []
        self.connections = 0
        self.url = ""
        self._script: deque[Reply] = deque()
        self._failures: list[Exception] = []
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def script(self, *replies: Reply) -> None:
        """Send these replies next, in place of the rest of an earlier script."""
        self._script = deque(replies)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MOST_HEAD)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        if self._failures and error is None:
            raise self._failures[0]

    async def quiet(self, seconds: float = 5.0) -> bool:
        """Wait until no connection is open, for at most ``seconds``; return whether that is so."""
        for _ in range(int(seconds / 0.01)):
            if not self.connections:
                return True
            await asyncio.sleep(0.01)
        return False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        self.connections += 1
        try:
            # it is this block's end that cancels, and whoever sends no HTTP gets no answer
            with suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError
            ):
                while await self._exchange(reader, writer):
                    pass
        except Exception as error:
            self._failures.append(error)
        finally:
            self.connections -= 1
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection is to serve another."""
        request = await _read(reader)
        self.requests.append(request)
        reply = self._script.popleft() if self._script else self.otherwise(request)
        if reply.delay:
            await _unless_closed(reader, reply.delay)
        left = -1 if reply.cut_after is None else reply.cut_after
        head = b"garbage\r\n\r\n" if reply.status < 0 else reply.head
        for part in (head + reply.body, *[reply.body] * (reply.times - 1)):
            step = reply.piece if reply.pause else max(1, len(part))
            for start in range(0, len(part), step):
                piece = part[start : start + step]
                if left >= 0:
                    piece, left = piece[:left], left - len(piece[:left])
                writer.write(piece)
                await writer.drain()
                if left == 0:
                    return await _ended(writer)
                if reply.pause:
                    await asyncio.sleep(reply.pause)
        if reply.length is not None or reply.status < 0:
            return await _ended(writer)
        return True


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, version = [*head[0].split(" "), "", ""][:3]
    if not version.startswith("HTTP/"):
        raise ConnectionAbortedError("this is no HTTP")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name:
            headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Request(method, path, headers, await _read_chunks(reader))
    return Request(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(parts)


async def _unless_closed(reader: asyncio.StreamReader, seconds: float) -> None:
    """Wait so long, or until the client goes. Raises ConnectionError in that case."""
    with suppress(TimeoutError):
        await asyncio.wait_for(reader.read(1), seconds)
        raise ConnectionResetError


async def _ended(writer: asyncio.StreamWriter) -> bool:
    """Close the connection, with what was written delivered."""
    writer.close()
    with suppress(ConnectionError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 5)
    return False
