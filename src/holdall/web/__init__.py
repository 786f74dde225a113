"""The REST service: collections over HTTP inside a FastAPI application."""

from holdall.web.context_middleware import ContextMiddleware, FailedAnswer
from holdall.web.dependency import context_dependency, dal_dependency, session_dependency
from holdall.web.host_problems import add_problem_handlers
from holdall.web.mounting import mount
from holdall.web.once import Idempotency
from holdall.web.operations import current_request_id
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.service import Service, asgi

__all__ = [
    "ContextMiddleware",
    "FailedAnswer",
    "Idempotency",
    "Options",
    "Problem",
    "Service",
    "add_problem_handlers",
    "asgi",
    "context_dependency",
    "current_request_id",
    "dal_dependency",
    "mount",
    "session_dependency",
]
