"""Sessions for routes of one's own: a dependency of FastAPI that commits before the answer is sent."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from fastapi import Depends
from starlette.requests import Request

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.policy import User
from holdall.query import Value
from holdall.service import Context
from holdall.session import Session
from holdall.web.openapi import ASKS_WHO
from holdall.web.request_context import request_meta
from holdall.web.rights import USER
from holdall.web.service import Service

__all__ = ["UserOf", "acting_user", "context_dependency", "dal_dependency", "session_dependency"]

L = TypeVar("L")

UserOf: TypeAlias = Callable[[Request], User | Awaitable[User]]
"""Who sends a request; raises fastapi's HTTPException to refuse it."""


def session_dependency(app: Holdall, user: UserOf | User | None = None) -> Value:
    """A session for a route, for ``Annotated[Session, app.session_dependency()]``.

    The session commits when the route's function has returned and before its answer is sent, so a refused commit is the
    answer; an exception rolls back. The session acts for ``user``: a User, or a function that derives one from the
    request. Without it, the session acts for the user that the service's ``authenticate`` finds; ``SYSTEM`` stands for
    the program itself, which may do everything. Raises DeclarationError when a request comes to an application that is
    no service and no user was given.

    Example: :func:`asgi`.
    """

    opened = _opened(app, user)

    async def session(context: Context = opened) -> Session:
        return context.session

    return Depends(session, scope="function")


def context_dependency(app: Holdall, user: UserOf | User | None = None) -> Value:
    """The context of a route's request, for ``Annotated[Context, app.context_dependency()]``.

    A request has one context for each ``user``, whichever of its dependencies asks for it; the session of
    ``session_dependency`` is that of the context. Parameters and errors are those of :func:`session_dependency`.

    Example: :func:`asgi`.
    """
    return _opened(app, user)


def dal_dependency(app: Holdall, services: type[L] | None = None, user: UserOf | User | None = None) -> Value:
    """The services of a route's context, for ``Annotated[Library, app.dal_dependency(Library)]``.

    Without a class that declares them, they are a ``Dal``. Parameters and errors are those of
    :func:`session_dependency`.

    Example: :func:`asgi`.
    """
    opened = _opened(app, user)

    async def dal(context: Context = opened) -> Value:
        return context.dal if services is None else context.dal_as(services)

    return Depends(dal, scope="function")


def _opened(app: Holdall, user: UserOf | User | None) -> Value:
    """The dependency that opens a request's context; the same one each time, so that a request has one."""
    found = _dependencies.setdefault(app, {})
    if id(user) not in found:

        async def context(request: Request) -> AsyncIterator[Context]:
            acting = request.scope[USER] = await acting_user(request, user)
            async with app.context(request_meta(request.scope), user=acting) as opened:
                yield opened

        setattr(context, ASKS_WHO, user is None)
        found[id(user)] = user, Depends(context, scope="function")
    return found[id(user)][1]


_dependencies: WeakKeyDictionary[Holdall, dict[int, tuple[object, Value]]] = WeakKeyDictionary()


async def acting_user(request: Request, user: UserOf | User | None) -> User:
    """Return for whom a route's session acts, as ``session_dependency`` tells. Example: :func:`session_dependency`."""
    if user is None:
        service: Value = request.app
        if not isinstance(service, Service):
            raise DeclarationError(
                "the session of this route acts for no user: give session_dependency() a user, or a function of the"
                " request, or SYSTEM if everybody who may call the route may do everything"
            )
        return await service.user_of(request.scope)
    known = user if isinstance(user, User) else user(request)
    return await known if inspect.isawaitable(known) else known
