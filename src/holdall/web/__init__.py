"""The REST service: collections over HTTP inside a FastAPI application."""

from holdall.web.dependency import session_dependency
from holdall.web.host_problems import add_problem_handlers
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.service import Service, asgi

__all__ = ["Options", "Problem", "Service", "add_problem_handlers", "asgi", "session_dependency"]
