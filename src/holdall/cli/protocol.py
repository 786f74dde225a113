"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request, for which it has none of its own."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol"]


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose request heads (first line and headers) are short and come in time, or are refused.

    No timer is made for a head that comes in one piece.
    """

    head_bytes = 65_536
    head_seconds = 10.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._in_head = True
        self._received = 0  # bytes of this head, or of the fields after a body
        self._has_begun = False
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
        if self.transport.is_closing():
            return
        if self._in_head:
            self._received += len(data)
        super().data_received(data)
        if self._in_head and (self._received or self._has_begun) and not self.transport.is_closing():
            if self._received > self.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            elif self._deadline is None:
                self._wait()

    def on_message_begin(self) -> None:
        """Note that a head has begun, maybe behind another request."""
        self._has_begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a field after the body."""
        if not self._in_head:
            self._received += len(name) + len(value)
            if self._received > self.head_bytes:
                raise ValueError("the fields after the body are too long")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Answer the request whose head is complete."""
        self._cancel()
        self._in_head = self._has_begun = False
        self._received = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Be ready for the next request."""
        self._in_head = True
        self._received = 0
        super().on_message_complete()

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
        if not self._is_answering():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
        self.transport.close()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete
