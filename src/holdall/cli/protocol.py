"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request, for which it has none of its own."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol"]


_STREAM = "holdall.stream"  # in the scope of a request that is answered by a stream
_LEAST_LINE = len("  HTTP/1.1\r\n\r\n")  # of the first line and the empty last one, without method and path
_LEAST_FIELD = len(":\r\n")
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1_048_576


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose request heads (first line and headers) are short and come in time, or are refused.

    Where a head begins behind another request in the same read, blanks beside its values are not counted. No timer is
    made for a head that comes in one piece.
    """

    head_bytes = 65_536
    head_seconds = 10.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._in_head = True
        self._has_begun = False
        self._received = 0  # bytes of this head; behind it, bytes that are not of the body
        self._fields = 0  # bytes of the fields after a body
        self._most = 0  # bytes of all reads that have a part of this head
        self._is_too_long = False
        self._passed_over: int | None = None  # bytes that came after a refusal
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        super().connection_made(cast(asyncio.Transport, transport))  # that of a TCP server reads and writes
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has become too long."""
        if self._passed_over is not None:
            self._pass_over(data)
            return
        self._most = len(data) + (self._most if self._in_head and self._has_begun else 0)
        while data and not self.transport.is_closing():
            size = self.head_bytes - self._received if self._in_head else len(data)
            piece, data = data[:size], data[size:]
            if piece:
                self._received += len(piece)
                super().data_received(piece)
            if self._passed_over is not None:
                return
            if self._received > self.head_bytes or (data and self._in_head and self._received == self.head_bytes):
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
            if data and self.parser.should_upgrade():
                return  # what follows is of another protocol, which is not spoken here
        is_begun = self._in_head and (self._received or self._has_begun)
        if is_begun and self._deadline is None and not self.transport.is_closing():
            self._wait()

    def on_message_begin(self) -> None:
        """Note that a head has begun, maybe behind another request."""
        self._has_begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a field after the body."""
        if not self._in_head:
            self._fields += len(name) + len(value)
            self._demand_short(self._fields)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Answer the request whose head is complete."""
        if self._most > self.head_bytes:
            fields = sum(len(name) + len(value) + _LEAST_FIELD for name, value in self.headers)
            self._demand_short(len(self.parser.get_method()) + len(self.url) + _LEAST_LINE + fields)
        self._cancel()
        self._in_head = self._has_begun = False
        self._received = self._fields = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._received = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Be ready for the next request."""
        self._in_head = True
        self._received = 0
        super().on_message_complete()

    def shutdown(self) -> None:
        """End the connection once it is answered; that of a stream, which would go on for long, ends now."""
        cycle: Any = self.cycle
        if self._is_answering() and cycle.scope.get(_STREAM):
            self.transport.close()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or is too long."""
        if self._is_too_long:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _demand_short(self, size: int) -> None:
        """Raise an error, which the parser hands on as one of the request, where this is too long."""
        if size > self.head_bytes:
            self._is_too_long = True
            raise ValueError("too long")

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds, self._expire)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if self._is_answering():
            self._wait()  # an earlier request is still being answered
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer and close; who is still sending is heard out for a while, as he would not read the answer else."""
        self._cancel()
        self._passed_over = 0
        if self._is_answering():
            if self._in_head:
                self.cycle.keep_alive = False  # an earlier request is whole, and the connection ends with its answer
            else:
                self.transport.close()
            return
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _pass_over(self, data: bytes) -> None:
        assert self._passed_over is not None
        self._passed_over += len(data)
        if self._passed_over > _LINGER_BYTES:
            self.transport.close()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete
