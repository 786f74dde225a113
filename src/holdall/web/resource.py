"""One collection as an HTTP resource: which method is answered by which endpoint, and every error by a problem."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException

from holdall.errors import Forbidden, HoldallError, Unsupported
from holdall.policy import ANONYMOUS, Right, User
from holdall.query import Json
from holdall.session import Binding, Bindings
from holdall.web.asgi import Receive, Scope, Send, header
from holdall.web.body import JSON, MERGE_PATCH, Disconnected
from holdall.web.cursor import Cursors
from holdall.web.host_problems import http_problem
from holdall.web.key import KeyText
from holdall.web.options import Options
from holdall.web.problem import Problem, failure_of, problem_of
from holdall.web.reading import Reads
from holdall.web.reply import Reply, problem_reply, send_reply
from holdall.web.rights import USER, has_any_right, refusal
from holdall.web.text_value import Unreadable
from holdall.web.view import CollectionView
from holdall.web.writing import Writes

__all__ = ["Resource"]

_log = logging.getLogger("holdall.web")
_ABSENT = problem_reply(Problem(404, "not-found", "There is no such record."))
_ManyEndpoint = Callable[[Scope, Receive, User], Awaitable[Reply]]
_OneEndpoint = Callable[[Scope, Receive, User, Any], Awaitable[Reply]]


class Resource:
    """``/books`` and ``/books/{key}``."""

    def __init__(self, binding: Binding, bindings: Bindings, cursors: Cursors, options: Options) -> None:
        self.binding = binding
        self._bindings = bindings
        self._options = options
        self._keys = KeyText(binding.schema)
        view = CollectionView(binding)
        reads = Reads(view, bindings, cursors, options)
        writes = Writes(view, self._keys, bindings, options)
        self._many: dict[str, _ManyEndpoint] = {
            "GET": reads.get_many_endpoint,
            "HEAD": reads.get_many_endpoint,
            "POST": writes.create_endpoint,
        }
        self._one: dict[str, _OneEndpoint] = {
            "GET": reads.get_one_endpoint,
            "HEAD": reads.get_one_endpoint,
            "PATCH": writes.update_endpoint,
            "DELETE": writes.delete_endpoint,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send, key: str) -> None:
        """Answer a request for the collection, or for the record whose key the path has as its undecoded end."""
        try:
            reply = await self._answer(scope, receive, key)
        except Problem as problem:
            reply = problem_reply(problem)
        except Disconnected:
            return
        except HoldallError as error:
            reply = problem_reply(self._problem(scope, error))
        except HTTPException as error:  # of the hook that tells who asks
            reply = problem_reply(http_problem(error))
        except Exception as error:
            reply = problem_reply(failure_of(scope, error))
        await send_reply(send, reply, scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, key: str) -> Reply:
        method = scope["method"]
        limit = self._options.max_url
        if len(scope["query_string"]) > limit or len(scope["path"]) > limit:
            raise Problem(414, "uri-too-long", f"The path or the query string is longer than {limit} bytes.")
        options = self._options
        user = scope[USER] = ANONYMOUS if options.authenticate is None else await options.user_of(scope)
        if not key:
            endpoint = self._many.get(method)
            return (
                self._no_method(method, self._many, user) if endpoint is None else await endpoint(scope, receive, user)
            )
        endpoint_one = self._one.get(method)
        if endpoint_one is None:
            return self._no_method(method, self._one, user)
        try:
            read = self._keys.read(key)
        except Unreadable:
            return _ABSENT
        return await endpoint_one(scope, receive, user, read)

    def _no_method(self, method: str, endpoints: dict[str, Json], user: User) -> Reply:
        if not has_any_right(self.binding, user):
            return _ABSENT
        allowed = ", ".join(sorted([*endpoints, "OPTIONS"])).encode()
        if method == "OPTIONS":
            taken = (
                [(b"accept-patch", b", ".join((MERGE_PATCH, JSON)))]
                if "PATCH" in endpoints
                else [(b"accept-post", JSON)]
            )
            return Reply(204, [(b"allow", allowed), *taken])
        return problem_reply(Problem(405, "method", "This method does nothing here.", headers=((b"allow", allowed),)))

    def _problem(self, scope: Scope, error: HoldallError) -> Problem:
        method = scope["method"]
        if isinstance(error, Forbidden):
            user: User = scope.get(USER, ANONYMOUS)
            refused = refusal(
                self._bindings.of_name(error.collection), Right(error.right), user, self._options.challenge
            )
            is_own = error.collection == self.binding.collection
            return refused if is_own or refused.status == 401 else Problem(403, "forbidden", "You may not do this.")
        is_conditional = method in ("PATCH", "DELETE") and header(scope, b"if-match") is not None
        problem = problem_of(error, is_conditional=is_conditional, is_read=method in ("GET", "HEAD"))
        if problem is None:
            return failure_of(scope, error)
        if isinstance(error, Unsupported) and problem.status < 500:
            _log.info("%s %s: %s", method, self.binding.collection, error)  # it says what to do
        if problem.status >= 500:
            _log.warning("%s %s: %s", method, self.binding.collection, error)
        return problem
