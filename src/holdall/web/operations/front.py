"""The outermost layer of a service: every request passes it, on the way in and on the way out."""

from __future__ import annotations

from time import perf_counter

from holdall.app import Holdall
from holdall.web.asgi import Application, Receive, Scope, Send
from holdall.web.operations.access_log import is_logging, log_access
from holdall.web.operations.health_paths import HealthPaths
from holdall.web.operations.limits import Limits
from holdall.web.operations.request_ids import REQUEST_ID, request_id_of
from holdall.web.operations.told import ANSWERED, HEADERS, NOT_ANSWERED, note_answer, with_timing
from holdall.web.options import Options
from holdall.web.reply import Reply, problem_reply, send_reply

__all__ = ["Front"]


class Front:
    """Lets requests in and hands them on to ``app``. Example: :func:`asgi`."""

    def __init__(self, app: Application, holdall: Holdall, options: Options, health: HealthPaths | None) -> None:
        self._app = app
        self._holdall = holdall
        self._health = health
        self._header = None if options.request_id is None else options.request_id.lower().encode()
        self._is_timed = options.server_timing
        self._limits = Limits(options.max_requests, options.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._header is not None:
            given = request_id_of(scope, self._header)
            scope[HEADERS] = ((self._header, given),)
            REQUEST_ID.set(given)  # of this task, which ends with the request
        limits = self._limits
        if self._is_timed or is_logging() or self._holdall.is_traced:
            await self._timed(scope, receive, send)
        elif limits.rate is None and limits.count < limits.most and "/_health/" not in scope["path"]:
            limits.count += 1
            try:
                await self._app(scope, receive, send)
            finally:
                limits.count -= 1
        else:
            await self._answer(scope, receive, send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        scope[ANSWERED] = NOT_ANSWERED
        if self._is_timed:
            send = with_timing(begun, send)
        try:
            if self._holdall.is_traced:
                await self._traced(scope, receive, send)
            else:
                await self._answer(scope, receive, send)
        finally:
            if is_logging():
                log_access(scope, perf_counter() - begun)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        from holdall.web.operations.request_span import request_span  # only who asks for telemetry needs the package

        with request_span(scope):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._health is not None and "/_health/" in scope["path"]:
            told = await self._health.reply(scope)
            if told is not None:
                await self._send(scope, send, told)
                return
        limits = self._limits
        refused = limits.refusal(scope)
        if refused is not None:
            await self._send(scope, send, problem_reply(refused))
            return
        limits.count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            limits.count -= 1

    async def _send(self, scope: Scope, send: Send, reply: Reply) -> None:
        note_answer(scope, reply)
        await send_reply(send, reply, scope["method"] == "HEAD", scope.get(HEADERS, ()))
