"""ASGI middleware that makes each request one context: for Starlette, and for any other host of ASGI."""

from __future__ import annotations

from starlette.requests import Request

from holdall.app import Holdall
from holdall.errors import HoldallError
from holdall.policy import User
from holdall.service import Context
from holdall.web.asgi import Application, Message, Receive, Scope, Send
from holdall.web.dependency import UserOf, acting_user
from holdall.web.problem import Problem, failure_of, problem_of
from holdall.web.reply import Reply, problem_reply, send_reply
from holdall.web.request_context import request_meta

__all__ = ["ContextMiddleware", "FailedAnswer"]

_FAILURES = 400  # the first status of a failure


class FailedAnswer(Exception):
    """The exception with which a context ends whose request is answered by a status of 400 or above.

    Example: :class:`ContextMiddleware`.
    """

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the answer has the status {status}")


class ContextMiddleware:
    """Opens a context for each request, and ends it before the answer is sent.

    Within the request ``app.require_context()`` gives the context, and so does ``request.state.context``. A refused
    commit is the answer, as a problem document. An exception rolls back, and so does an answer with a status of 400 or
    above, of which middleware sees a :class:`FailedAnswer`. ``user`` is for whom the context acts: a User, or a
    function that derives one from the request; ``SYSTEM`` stands for the program itself, which may do everything.

    >>> from holdall import SYSTEM
    >>> app = Holdall("library")
    >>> async def host(scope, receive, send):
    ...     print(app.require_context().meta.path, scope["state"]["context"].user.id)
    ...     await send({"type": "http.response.start", "status": 404, "headers": []})
    ...     print(app.active_context)
    >>> async def send(message):
    ...     print(message["status"])
    >>> served = ContextMiddleware(host, app, user=SYSTEM)
    >>> scope = {"type": "http", "method": "GET", "path": "/books", "headers": []}
    >>> import asyncio
    >>> asyncio.run(served(scope, None, send))
    /books system
    404
    None
    """

    def __init__(self, host: Application, app: Holdall, *, user: UserOf | User) -> None:
        self._host = host
        self._app = app
        self._user = user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._host(scope, receive, send)
            return
        user = await acting_user(Request(scope), self._user)
        answer = _Answer(self._app.context(request_meta(scope), user=user), send)
        await answer.context.__aenter__()
        scope.setdefault("state", {})["context"] = answer.context
        try:
            await self._host(scope, receive, answer.pass_on)
            if not answer.is_ended:
                await answer.end(None)
        except BaseException as error:
            if not answer.is_ended and await answer.end(error):
                await send_reply(send, Reply(204, []), is_head=False)
            elif answer.refused is None:
                raise
        if answer.refused is not None:
            await send_reply(send, problem_reply(_problem_of(scope, answer.refused)), scope["method"] == "HEAD")


class _Answer:
    """The answer of a request, of which nothing is sent before its context has ended well."""

    def __init__(self, context: Context, send: Send) -> None:
        self.context = context
        self.is_ended = False
        self.refused: Exception | None = None
        self._send = send

    async def pass_on(self, message: Message) -> None:
        """Send a message of the host, unless the end of the context was refused: then nothing of its answer holds."""
        if message["type"] == "http.response.start" and not self.is_ended:
            status = message["status"]
            await self.end(None if status < _FAILURES else FailedAnswer(status))
        if self.refused is None:
            await self._send(message)

    async def end(self, error: BaseException | None) -> bool:
        """End the context; return whether middleware suppressed the error. Another error is kept in ``refused``."""
        self.is_ended = True
        try:
            return bool(await self.context.__aexit__(None if error is None else type(error), error, None))
        except Exception as raised:
            self.refused = raised
            return False


def _problem_of(scope: Scope, error: Exception) -> Problem:
    is_read = scope["method"] in ("GET", "HEAD")
    found = problem_of(error, is_read=is_read, has_query=is_read) if isinstance(error, HoldallError) else None
    return error if isinstance(error, Problem) else found or failure_of(scope, error)
