"""The host's own failures as problem documents, so that clients meet one form of error everywhere."""

from __future__ import annotations

from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from holdall.errors import ActionUnavailable, FieldError, Forbidden, HoldallError
from holdall.model import RECORD_ERROR
from holdall.query import Value
from holdall.web.body import Disconnected
from holdall.web.no_method import no_such_method
from holdall.web.problem import Problem, failure_of, note_cause, problem_of
from holdall.web.record_bodies import RecordBodies
from holdall.web.reply import Reply, problem_reply
from holdall.web.rights import USER, unavailable

__all__ = ["add_handlers", "add_own_handlers", "add_problem_handlers", "failed", "http_problem", "response_of"]


def add_problem_handlers(service: FastAPI) -> None:
    """Answer the exceptions of routes with problem documents, unless the host has handlers of its own.

    Errors of a route's session are answered as collections answer them, and bodies with records in them are checked as
    they check theirs; a failure of the program itself goes on as an exception.

    >>> from fastapi import FastAPI
    >>> service = FastAPI()
    >>> add_problem_handlers(service)
    >>> from holdall.errors import HoldallError
    >>> HoldallError in service.exception_handlers
    True
    """
    add_handlers(service)
    service.add_middleware(RecordBodies)


def add_handlers(service: FastAPI) -> None:
    """Add the handlers alone, where bodies are checked otherwise. Example: :func:`add_problem_handlers`."""
    service.add_exception_handler(HTTPException, _http)
    service.add_exception_handler(RequestValidationError, _invalid)
    service.add_exception_handler(Problem, _problem)
    service.add_exception_handler(HoldallError, _ours)
    service.add_exception_handler(Disconnected, _unheard)


def add_own_handlers(service: FastAPI) -> None:
    """Add the handlers of Holdall's own errors, where the host has none: its other errors stay as they are.

    Example: :func:`add_problem_handlers`.
    """
    service.exception_handlers.setdefault(Problem, _problem)
    service.exception_handlers.setdefault(HoldallError, _ours)
    service.exception_handlers.setdefault(Disconnected, _unheard)


def http_problem(error: HTTPException) -> Problem:
    """The problem that an exception of the framework is: its own status, reason and headers."""
    status: int = error.status_code
    said: Any = error.detail
    if status == HTTPStatus.NOT_FOUND and said == HTTPStatus.NOT_FOUND.phrase and not error.headers:
        return Problem(404, "not-found", "There is no such record.")  # as of a collection that may not be seen
    detail = said if isinstance(said, str) else HTTPStatus(status).phrase
    headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
    if status == HTTPStatus.METHOD_NOT_ALLOWED and said == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
        return no_such_method(*headers)
    return Problem(status, "http", detail, headers=headers)


async def _http(request: Request, error: Any) -> Response:
    cause = error.__cause__  # what the framework met while it read the body
    if isinstance(cause, Problem):
        return _response(cause)
    problem = http_problem(error)
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(request)):
        others = [header for header in problem.headers if header[0] != b"allow"]
        problem.headers = [*others, (b"allow", ", ".join(methods).encode())]
    return _response(problem)


def _methods(request: Request) -> list[str]:
    """The methods that any route takes at the address of a request: the framework names those of the first alone."""
    routes = request.app.routes
    scopes = {method: {**request.scope, "method": method} for method in sorted(HTTPMethod)}
    return [
        method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]


async def _invalid(request: Request, error: Any) -> Response:
    errors = [found for item in error.errors() for found in _breaches(item)]
    return _response(Problem(422, "invalid", "What was sent breaks rules; each breach is listed.", errors))


def _breaches(item: Value) -> list[FieldError]:
    """Convert an error of pydantic into field errors, with the paths that a record's collection would give."""
    place = [str(part) for part in item["loc"]]
    if item["type"] != RECORD_ERROR:
        return [FieldError(".".join(place), item["type"], item["msg"])]
    if place[:1] == ["body"]:
        place = place[1:]
    found = item["ctx"]["errors"]
    return [FieldError(".".join([*place, *([path] if path else [])]), code, message) for path, code, message in found]


async def _problem(request: Request, error: Any) -> Response:
    return _response(error)


async def _unheard(request: Request, error: Exception) -> Response:
    """Answer a client that has gone away before its body came, which nobody hears."""
    return Response(status_code=400)


async def failed(request: Request, error: Exception) -> Response:
    """Answer what no other handler takes with a problem document; the server goes on to log the exception."""
    return _response(failure_of(request.scope, error))


async def _ours(request: Request, error: Any) -> Response:
    if isinstance(error, ActionUnavailable):
        return _response(unavailable(error))
    if isinstance(error, Forbidden):
        tell = getattr(request.app, "refusal", None)  # where it is a service
        if tell is not None and USER in request.scope:
            return _response(tell(error, request.scope[USER]))
        return _response(Problem(403, "forbidden", "You may not do this."))
    is_read = request.method in ("GET", "HEAD")
    problem = problem_of(error, is_read=is_read, is_removal=request.method == "DELETE", has_query=is_read)
    if problem is None:
        raise error
    note_cause(request.method, getattr(request.scope.get("route"), "path", ""), error, problem)
    return _response(problem)


def _response(problem: Problem) -> Response:
    return response_of(problem_reply(problem))


def response_of(reply: Reply) -> Response:
    """A whole reply, in the words of the framework."""
    response = Response(reply.body, reply.status)
    response.raw_headers = reply.headers
    return response
