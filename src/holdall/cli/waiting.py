"""A service that is written on: while what is stored does not fit its models, it says so and looks again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from holdall.cli.failure import Failure

if TYPE_CHECKING:
    from holdall.web.asgi import Application, Message, Receive, Scope, Send

__all__ = ["Waiting"]


class Waiting:
    """An ASGI application that starts another as soon as ``prepare`` raises no Failure, and answers 503 until then.

    The function ``prepare`` runs in a thread, at intervals of ``seconds``; each new Failure is printed. Example:
    :func:`holdall.cli.worker.service`.
    """

    def __init__(self, service: Application, prepare: Callable[[], object], seconds: float = 1.0) -> None:
        self._service = service
        self._prepare = prepare
        self._seconds = seconds
        self._wrong = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take an event of the server."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._wrong and scope["type"] == "http":
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"1")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": f"{self._wrong}\n".encode()})
        else:
            await self._service(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = await receive()
        await self._look()
        if not self._wrong:
            await self._service(scope, _first(begun, receive), send)
            return
        await send({"type": "lifespan.startup.complete"})
        ended = asyncio.ensure_future(receive())
        while self._wrong:
            done, _ = await asyncio.wait({ended}, timeout=self._seconds)
            if done:
                await send({"type": "lifespan.shutdown.complete"})
                return
            await self._look()
        print("what is stored fits the models now", flush=True)

        async def rest() -> Message:
            return await ended

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                self._wrong = "the service did not start; the terminal says why"
                print(message.get("message", ""), file=sys.stderr)
            elif message["type"] != "lifespan.startup.complete":
                await send(message)

        await self._service(scope, _first(begun, rest), told)

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self._prepare)
        except Failure as failure:
            if str(failure) != self._wrong:
                print(f"holdall: {failure}", file=sys.stderr, flush=True)
            self._wrong = str(failure)
        else:
            self._wrong = ""


def _first(message: Message, receive: Receive) -> Receive:
    """The receiving function, after this message."""
    waiting = [message]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received
