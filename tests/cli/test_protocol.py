"""Heads of requests that are too long or never end, over real sockets."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop

from holdall.cli.protocol import BoundedProtocol

pytestmark = pytest.mark.anyio


class Impatient(BoundedProtocol):
    head_seconds = 0.1


async def _plain(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _said(protocol: type[BoundedProtocol], *pieces: bytes) -> bytes:
    """What a server answers to these bytes until it ends the connection."""

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(_plain, http=protocol, lifespan="off", log_level="critical"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        received = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(20):
                received = await reader.read()
        except ConnectionError:
            received = received or b"reset"
        finally:
            writer.close()
            server.should_exit = True
            await serving
        return received


def _first_lines(answer: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1.1( \d+ )", answer)


def _run(loop: str, work: Coroutine[Any, Any, bytes]) -> bytes:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None) as runner:
        return runner.run(work)


_HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
_POST = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


_MOST = BoundedProtocol.head_bytes


def _head(size: int, *, fields: int = 1, last: bytes = b"") -> bytes:
    """A head of exactly this many bytes, its rest spread over so many headers."""
    start, end = b"GET / HTTP/1.1\r\nhost: a\r\n" + last, b"\r\n"
    left = size - len(start) - len(end)
    lines = [b"x: %b\r\n" % (b"v" * (left // fields - 5))] * (fields - 1)
    lines.append(b"x: %b\r\n" % (b"v" * (left - sum(map(len, lines)) - 5)))
    return start + b"".join(lines) + end


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("fields", [1, 2_000], ids=["one long", "many"])
@pytest.mark.parametrize("size", [1_000, 65_536, 1_000_000])
def test_a_head_may_have_as_many_bytes_as_the_bound_and_not_one_more(size: int, fields: int, loop: str) -> None:
    for number, status in ((_MOST, b" 200 "), (_MOST + 1, b" 431 ")):
        head = _head(number, fields=fields, last=b"connection: close\r\n")
        assert len(head) == number
        assert _first_lines(_run(loop, _said(BoundedProtocol, *_pieces(head, size)))) == [status]


@pytest.mark.parametrize("path", [b"/" + b"p" * 70_000, b"/?" + b"q" * 70_000], ids=["path", "query"])
async def test_a_first_line_that_is_too_long_is_refused(path: bytes) -> None:
    assert _first_lines(await _said(BoundedProtocol, b"GET " + path + b" HTTP/1.1\r\nhost: a\r\n\r\n")) == [b" 431 "]


@pytest.mark.parametrize("size", [60_000, 1_000_000], ids=["parts", "whole"])
@pytest.mark.parametrize("before", [1, 30_000, 100_000])
async def test_a_head_behind_another_request_is_bounded_too(before: int, size: int) -> None:
    first = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % before + b"b" * before
    last = b"connection: close\r\n"
    within, beyond = (_pieces(first + _head(number, fields=9, last=last), size) for number in (_MOST, _MOST + 100))
    assert _first_lines(await _said(BoundedProtocol, *within)) == [b" 200 ", b" 200 "]
    answered = _first_lines(await _said(BoundedProtocol, *beyond))
    assert answered[0] == b" 200 "
    assert answered[1:] in ([], [b" 431 "])  # where the first is still being answered, the connection ends with that


async def test_who_goes_on_sending_reads_why_it_is_refused() -> None:
    assert _first_lines(await _said(BoundedProtocol, *[_HEAD + b"x: " + b"v" * 60_000] * 10)) == [b" 431 "]


@pytest.mark.parametrize("sent", [b"", b"GET", _HEAD, _HEAD + b"\r\n" + _HEAD], ids=["nothing", "word", "half", "next"])
async def test_a_head_that_never_ends_is_refused(sent: bytes) -> None:
    answer = await _said(Impatient, sent)
    assert b"HTTP/1.1 408 " in answer
    assert answer.count(b"HTTP/1.1 200 ") == sent.count(b"\r\n\r\n")


@pytest.mark.parametrize(
    "tail",
    [b"0\r\n" + b"x: 1234567890\r\n" * 20_000, b"0\r\nx: " + b"v" * 200_000, b"1;x=" + b"v" * 200_000],
    ids=["fields", "field", "extension"],
)
@pytest.mark.parametrize("size", [1_000, 1_000_000])
async def test_what_is_beside_a_body_is_bounded_too(tail: bytes, size: int) -> None:
    assert b" 200 " not in await _said(BoundedProtocol, *_pieces(_POST + tail, size))


@pytest.mark.parametrize("size", [1_000, 1_000_000])
async def test_a_body_is_not_bounded_here(size: int) -> None:
    last = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    body = (b"1f4\r\n" + b"b" * 500 + b"\r\n") * 1_000 + b"0\r\n\r\n"
    assert _first_lines(await _said(BoundedProtocol, *_pieces(last + body, size))) == [b" 200 "]


def test_the_documents_have_the_bounds() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs/http.md").read_text().split())
    said = f"{BoundedProtocol.head_bytes // 1024} KiB within {BoundedProtocol.head_seconds:g} seconds, or 431 and 408"
    assert said in text


async def test_a_request_within_the_bounds_is_answered() -> None:
    last = _HEAD + b"x: " + b"v" * 50_000 + b"\r\nconnection: close\r\n\r\n"
    assert (await _said(BoundedProtocol, _HEAD + b"\r\n", last)).count(b"HTTP/1.1 200 ") == 2
