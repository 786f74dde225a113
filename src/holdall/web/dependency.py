"""Sessions for routes of one's own: a dependency of FastAPI that commits before the answer is sent."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from fastapi import Depends
from starlette.requests import Request

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.policy import User
from holdall.session import Session
from holdall.web.openapi import ASKS_WHO
from holdall.web.rights import USER
from holdall.web.service import Service

__all__ = ["UserOf", "session_dependency"]

UserOf: TypeAlias = Callable[[Request], User | Awaitable[User]]
"""Who sends a request; raises fastapi's HTTPException to refuse it."""


def session_dependency(app: Holdall, user: UserOf | User | None = None) -> Any:
    """A session for a route, for ``Annotated[Session, app.session_dependency()]``.

    The session commits when the route's function has returned and before its answer is sent, so a refused commit is the
    answer; an exception rolls back. The session acts for ``user``: a User, or a function that derives one from the
    request. Without it, the session acts for the user that the service's ``authenticate`` finds; ``SYSTEM`` stands for
    the program itself, which may do everything. Raises DeclarationError when a request comes to an application that is
    no service and no user was given.

    Example: :func:`asgi`.
    """

    async def session(request: Request) -> AsyncIterator[Session]:
        known: Any = await _related(request) if user is None else user if isinstance(user, User) else user(request)
        acting: User = await known if inspect.isawaitable(known) else known
        request.scope[USER] = acting
        async with app.session(acting) as opened:
            yield opened

    setattr(session, ASKS_WHO, user is None)
    return Depends(session, scope="function")


async def _related(request: Request) -> User:
    service: Any = request.app
    if not isinstance(service, Service):
        raise DeclarationError(
            "the session of this route acts for no user: give session_dependency() a user, or a function of the"
            " request, or SYSTEM if everybody who may call the route may do everything"
        )
    return await service.user_of(request.scope)
