"""Bodies that are files: passed on as they come, within a bound of size and of time, and never held as a whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from holdall.web.asgi import Receive, Scope, header, header_list
from holdall.web.body import Disconnected
from holdall.web.problem import Problem

__all__ = ["demand_size", "incoming", "too_large"]

_SLOWEST = 4_096  # bytes in a second that a client must send, on the average, beyond the first seconds
_PLAIN = (b"", b"identity")


def demand_size(scope: Scope, most: int) -> None:
    """Raise Problem for a body that says that it is too large (413), a part of a file (400), or compressed (415)."""
    if header(scope, b"content-range") is not None:  # RFC 9110, section 14.4: a part must not become the whole
        raise Problem(400, "range", "A file is sent as a whole, not in parts.")
    if (header_list(scope, b"content-encoding") or b"").strip().lower() not in _PLAIN:
        headers = [(b"accept-encoding", b"identity")]
        raise Problem(415, "media-type", "A file is sent as it is, not compressed.", headers=headers)
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and (len(declared) > 18 or int(declared) > most):
        raise too_large(most)


def too_large(most: int) -> Problem:
    """The problem of a body with more bytes; the rest of it is not read."""
    headers = ((b"connection", b"close"),)
    return Problem(413, "too-large", f"The body is larger than {most} bytes.", headers=headers)


async def incoming(receive: Receive, most: int, seconds: float) -> AsyncIterator[bytes]:
    """Give the parts of the body. Raises Problem for too many bytes (413) or a client that is too slow (408),
    Disconnected where it leaves before the end.
    """
    size, start = 0, time.monotonic()
    while True:
        left = start + seconds + size / _SLOWEST - time.monotonic()
        try:
            async with asyncio.timeout(min(max(left, 0), seconds)):
                message = await receive()
        except TimeoutError:
            headers = ((b"connection", b"close"),)
            raise Problem(408, "slow", "The body did not come in time.", headers=headers) from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise too_large(most)
        if part:
            yield part
        if not message.get("more_body"):
            return
