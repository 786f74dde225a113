"""Answers: a status, headers and a whole body, sent in two messages."""

from __future__ import annotations

from typing import NamedTuple

from holdall.web.asgi import Header, Send
from holdall.web.problem import Problem

__all__ = ["Reply", "json_reply", "problem_reply", "send_reply", "unchanged_reply"]

_JSON: Header = (b"content-type", b"application/json")
_PROBLEM: Header = (b"content-type", b"application/problem+json")
_NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
_PRIVATE: Header = (b"cache-control", b"private, no-cache")  # kept by the client alone, and asked for again each time
_UNCACHED: Header = (b"cache-control", b"no-store")


class Reply(NamedTuple):
    """A whole answer. An empty body is announced only where ``headers`` say so."""

    status: int
    headers: list[Header]
    body: bytes = b""


def json_reply(status: int, body: bytes, *headers: Header) -> Reply:
    """An answer of JSON."""
    length = (b"content-length", b"%d" % len(body))
    return Reply(status, [_JSON, length, _NO_SNIFFING, _PRIVATE, *headers], body)


def problem_reply(problem: Problem) -> Reply:
    """A problem document."""
    body = problem.document()
    length = (b"content-length", b"%d" % len(body))
    return Reply(problem.status, [_PROBLEM, length, _NO_SNIFFING, _UNCACHED, *problem.headers], body)


def unchanged_reply(tag: bytes) -> Reply:
    """A reply of status 304: the representation that the client keeps is current (RFC 9110, section 15.4.5)."""
    return Reply(304, [(b"etag", tag), _PRIVATE])


async def send_reply(send: Send, reply: Reply, is_head: bool) -> None:
    """Send it; for HEAD without its body."""
    status, headers, body = reply
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else body})
