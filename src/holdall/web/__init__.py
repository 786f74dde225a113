"""The REST service: collections over HTTP inside a FastAPI application."""

from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.service import Service, asgi

__all__ = ["Options", "Problem", "Service", "asgi"]
