"""The service within a host application: mounted below a prefix, the lifespans of both composed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.web.service import Service, asgi

__all__ = ["mount"]


def mount(app: Holdall, host: Starlette, prefix: str, **options: Any) -> Service:
    """Mount the REST service below a prefix of a FastAPI or Starlette application, and return it.

    The service starts before the host's own lifespan and ends after it. Raises DeclarationError for another host, a
    prefix that is none, and what ``asgi`` refuses.

    >>> from fastapi import FastAPI
    >>> library = Holdall("library")
    >>> host = FastAPI()
    >>> mount(library, host, "/library").title
    'library'
    """
    given: object = host
    if not isinstance(given, Starlette):
        raise DeclarationError(
            f"the service is mounted in a FastAPI or Starlette application, not in a {type(host).__name__}; any other"
            " host of ASGI applications takes app.asgi() and must run its lifespan"
        )
    place = str(prefix).rstrip("/")
    if not place.startswith("/") or place != prefix:
        raise DeclarationError(f"the prefix {prefix!r} must begin with / and not end with it, as in /library")
    service = asgi(app, **options)
    own = host.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Starlette) -> AsyncIterator[Any]:
        async with service.router.lifespan_context(service), own(running) as state:
            yield state

    host.router.lifespan_context = lifespan
    host.mount(place, service)
    return service
