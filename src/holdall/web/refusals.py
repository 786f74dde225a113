"""The answers to requests for one collection that fail: problems, of whatever was raised."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from holdall.errors import Forbidden, HoldallError
from holdall.policy import ANONYMOUS, User
from holdall.session import Bindings
from holdall.web.asgi import Scope, header
from holdall.web.host_problems import http_problem
from holdall.web.problem import Problem, failure_of, note_cause, problem_of
from holdall.web.reply import Reply, problem_reply
from holdall.web.rights import USER, forbidden
from holdall.web.view import CollectionView

__all__ = ["Refusals"]


class Refusals:
    """Makes an answer of an exception."""

    def __init__(self, view: CollectionView, bindings: Bindings, challenge: str) -> None:
        self._view = view
        self._binding = view.binding
        self._bindings = bindings
        self._challenge = challenge

    def reply(self, scope: Scope, error: Exception, key: str) -> Reply:
        """The problem, of a request for the record with this key, or for the collection."""
        if isinstance(error, HoldallError):
            return problem_reply(self._problem(scope, error, key))
        if isinstance(error, HTTPException):  # of the hook that tells who asks
            return problem_reply(http_problem(error))
        return problem_reply(error if isinstance(error, Problem) else failure_of(scope, error))

    def _problem(self, scope: Scope, error: HoldallError, key: str) -> Problem:
        if isinstance(error, Forbidden):
            user: User = scope.get(USER, ANONYMOUS)
            return forbidden(self._bindings, error, user, self._challenge, self._binding)
        method = scope["method"]
        is_conditional = method in ("PATCH", "PUT", "DELETE") and header(scope, b"if-match") is not None
        is_read = method in ("GET", "HEAD")
        problem = problem_of(
            error,
            is_conditional=is_conditional,
            is_read=is_read,
            is_removal=method == "DELETE",
            has_query=is_read and not key,
        )
        if problem is None:
            return failure_of(scope, error)
        if problem.errors:
            problem.errors = tuple(self._view.without_hidden(problem.errors, scope.get(USER, ANONYMOUS)))
        note_cause(method, self._binding.collection, error, problem)
        return problem
