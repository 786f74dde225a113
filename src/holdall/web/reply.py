"""Answers: a status, headers and a body, whole or in parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from holdall.web.asgi import Header, Send
from holdall.web.problem import Problem

__all__ = ["PLAN", "Reply", "json_reply", "problem_reply", "send_reply", "tagged_reply", "unchanged_reply"]

PLAN = b"application/vnd.holdall.plan+json"
_JSON: Header = (b"content-type", b"application/json")
_PROBLEM: Header = (b"content-type", b"application/problem+json")
_NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
_PRIVATE: Header = (b"cache-control", b"private, no-cache")  # kept by the client alone, and asked for again each time
_UNCACHED: Header = (b"cache-control", b"no-store")
_PATIENCE = 60.0  # seconds for a client to take one part of an answer


class Reply(Struct):
    """An answer. An empty body is announced only where ``headers`` say so; ``parts`` are what comes behind it."""

    status: int
    headers: list[Header]
    body: bytes = b""
    parts: AsyncGenerator[bytes] | None = None


def json_reply(status: int, body: bytes, *headers: Header, media_type: bytes = b"") -> Reply:
    """An answer of JSON, of a type of its own where one is given."""
    length = (b"content-length", b"%d" % len(body))
    kind = (b"content-type", media_type) if media_type else _JSON
    return Reply(status, [kind, length, _NO_SNIFFING, _PRIVATE, *headers], body)


def tagged_reply(body: bytes, tag: bytes) -> Reply:
    """An answer of JSON, of status 200, with its tag."""
    length = (b"content-length", b"%d" % len(body))
    return Reply(200, [_JSON, length, _NO_SNIFFING, _PRIVATE, (b"etag", tag)], body)


def problem_reply(problem: Problem) -> Reply:
    """A problem document."""
    body = problem.document()
    length = (b"content-length", b"%d" % len(body))
    return Reply(problem.status, [_PROBLEM, length, _NO_SNIFFING, _UNCACHED, *problem.headers], body)


def unchanged_reply(tag: bytes) -> Reply:
    """A reply of status 304: the representation that the client keeps is current (RFC 9110, section 15.4.5)."""
    return Reply(304, [(b"etag", tag), _PRIVATE])


async def send_reply(send: Send, reply: Reply, is_head: bool, more: tuple[Header, ...] = ()) -> None:
    """Send it, with more headers; for HEAD without its body."""
    headers, parts = reply.headers, reply.parts
    start = {"type": "http.response.start", "status": reply.status, "headers": [*headers, *more] if more else headers}
    if parts is None:
        await send(start)
        await send({"type": "http.response.body", "body": b"" if is_head else reply.body})
        return
    async with aclosing(parts):
        await send(start)
        if not is_head:
            await _send_parts(send, reply.body, parts)
    await send({"type": "http.response.body", "body": b""})


async def _send_parts(send: Send, first: bytes, parts: AsyncGenerator[bytes]) -> None:
    """Send each part within a time; raises TimeoutError where the client takes none, so that nothing is held for it."""
    part: bytes | None = first
    while part is not None:
        async with asyncio.timeout(_PATIENCE):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        part = await anext(parts, None)
