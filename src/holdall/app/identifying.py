"""The function of an application that tells who makes a request, for every service of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from holdall.errors import DeclarationError
from holdall.policy import User
from holdall.query import Value

__all__ = ["Identify", "Identifying"]

Identify: TypeAlias = Callable[[Value], Awaitable[User | None]]
"""From the ASGI scope of a request to its user; None for nobody known."""

F = TypeVar("F", bound=Identify)


class Identifying:
    """The part of an application that knows who makes requests.

    >>> from holdall import Holdall
    >>> app = Holdall("atlas")
    >>> @app.identify
    ... async def who(scope):
    ...     return User("ann")
    >>> app.identifies is who
    True
    """

    identifies: Identify | None = None

    def identify(self, function: F) -> F:
        """Have this function say who makes a request, where a service is given no other ``authenticate``.

        Raises DeclarationError where there is one already, or what is given cannot be called.
        """
        if not callable(function):
            raise DeclarationError("app.identify takes an async function of the request's scope")
        if self.identifies is not None:
            raise DeclarationError("this application knows already who makes requests: app.identify is given once")
        self.identifies = function
        return function
