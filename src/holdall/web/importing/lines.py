"""Lines of a body as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from holdall.model import LongLine, lines_in
from holdall.web.asgi import Receive
from holdall.web.body import Disconnected
from holdall.web.problem import Problem

__all__ = ["CLOSE", "lines_of"]

CLOSE = ((b"connection", b"close"),)
"""The header of an answer that is given before the body was read."""


async def lines_of(receive: Receive, most: int, seconds: float, *, is_quoted: bool) -> AsyncIterator[tuple[int, bytes]]:
    """The lines of a body with their numbers, as ``lines_in`` gives them.

    Raises Problem (413) for a line that is too long, Problem (408) where nothing comes within ``seconds``, and
    Disconnected.
    """
    try:
        async for lines in lines_in(_parts(receive, seconds), most, is_quoted=is_quoted):
            for line in lines:
                yield line
    except LongLine as error:
        detail = f"Line {error.number} is longer than {most} bytes."
        raise Problem(413, "too-large", detail, headers=CLOSE) from None


async def _parts(receive: Receive, seconds: float) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            detail = f"The body did not go on for {seconds:g} seconds."
            raise Problem(408, "slow", detail, headers=CLOSE) from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        yield message.get("body", b"")
        if not message.get("more_body"):
            return
