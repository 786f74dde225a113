"""Lines of a body as they come: no more of it is kept than one line and what was sent with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from holdall.web.asgi import Receive
from holdall.web.body import Disconnected
from holdall.web.problem import Problem

__all__ = ["CLOSE", "lines_of"]

_MARK = b"\xef\xbb\xbf"  # of the order of bytes, which some programs write before UTF-8
CLOSE = ((b"connection", b"close"),)
"""The header of an answer that is given before the body was read."""


async def lines_of(receive: Receive, most: int, seconds: float, *, is_quoted: bool) -> AsyncIterator[tuple[int, bytes]]:
    """The lines of a body with their numbers, of at most ``most`` bytes each; blank ones are left out.

    With ``is_quoted`` a line goes on while quotation marks are open, as in CSV. Raises Problem (413) for a line that is
    too long, Problem (408) where nothing comes within ``seconds``, and Disconnected.
    """
    rest, number, first = b"", 1, True
    async for part in _parts(receive, seconds):
        rest += part
        if first and len(rest) >= len(_MARK):
            rest, first = rest.removeprefix(_MARK), False
        begin, seen = 0, 0
        while (end := rest.find(b"\n", seen)) >= 0:
            seen = end + 1
            if is_quoted and rest.count(b'"', begin, end) % 2:
                continue
            _demand_short(number, end - begin, most)
            line = rest[begin:end].rstrip(b"\r")
            if line.strip():
                yield number, line
            number += rest.count(b"\n", begin, seen)
            begin = seen
        rest = rest[begin:]
        _demand_short(number, len(rest), most)
    if rest.strip():
        yield number, rest.removeprefix(_MARK).rstrip(b"\r")


def _demand_short(number: int, size: int, most: int) -> None:
    if size > most:
        raise Problem(413, "too-large", f"Line {number} is longer than {most} bytes.", headers=CLOSE)


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
