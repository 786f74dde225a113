"""Sessions for routes of one's own: a dependency of FastAPI that commits before the answer is sent."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from fastapi import Depends
from starlette.requests import Request

from holdall.app import Holdall
from holdall.policy import SYSTEM, User
from holdall.session import Session

__all__ = ["UserOf", "session_dependency"]

UserOf: TypeAlias = Callable[[Request], User | Awaitable[User]]
"""Who sends a request; raises fastapi's HTTPException to refuse it."""


def session_dependency(app: Holdall, user: UserOf | User = SYSTEM) -> Any:
    """A session for a route, for ``Annotated[Session, app.session_dependency()]``.

    The session commits when the route's function has returned and before its answer is sent, so a refused commit is
    the answer; an exception rolls back. ``user`` is for whom it acts, or a function that tells by the request.
    """

    async def session(request: Request) -> AsyncIterator[Session]:
        known: Any = user if isinstance(user, User) else user(request)
        async with app.session(await known if inspect.isawaitable(known) else known) as opened:
            yield opened

    return Depends(session, scope="function")
