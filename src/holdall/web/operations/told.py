"""Notes of a request and its answer, kept in the scope: headers to add, and what was answered."""

from __future__ import annotations

from time import perf_counter

from holdall.web.asgi import Message, Scope, Send
from holdall.web.reply import Reply

__all__ = ["ANSWERED", "HEADERS", "NOT_ANSWERED", "ROUTE", "note_answer", "telling", "with_timing"]

HEADERS = "holdall.headers"
"""Where a scope has the headers that its answer gets beside its own."""
ROUTE = "holdall.route"
"""Where it has the template of the path."""
ANSWERED = "holdall.answered"
"""Where it has the status and the bytes of its answer, if somebody wants to know."""
NOT_ANSWERED = (499, 0)
"""What is told of a request whose client left before the answer."""


def note_answer(scope: Scope, reply: Reply) -> None:
    """Keep what is answered for those who want to know. Example: :func:`asgi`."""
    if ANSWERED in scope:
        scope[ANSWERED] = reply.status, len(reply.body)


def telling(scope: Scope, send: Send) -> Send:
    """Send what a host's own route answers, with the headers, and note it. Example: :func:`asgi`."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *scope.get(HEADERS, ())]
            if ANSWERED in scope:
                scope[ANSWERED] = message["status"], 0
        elif ANSWERED in scope and message["type"] == "http.response.body":
            status, size = scope[ANSWERED]
            scope[ANSWERED] = status, size + len(message.get("body", b""))
        await send(message)

    return told


def with_timing(begun: float, send: Send) -> Send:
    """Send an answer that tells how long it took (Server-Timing, https://www.w3.org/TR/server-timing)."""

    async def timed(message: Message) -> None:
        if message["type"] == "http.response.start":
            spent = (b"server-timing", b"app;dur=%.2f" % ((perf_counter() - begun) * 1_000))
            message["headers"] = [*message.get("headers", ()), spent]
        await send(message)

    return timed
