"""The part of an application that knows users: who makes a request, and what he may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from holdall.errors import DeclarationError
from holdall.model import Model, hidden_ends, old_of
from holdall.policy import Right, User, right_of
from holdall.query import Value
from holdall.session import AccessReport, Bindings, Session, explain_access

__all__ = ["FindUser", "Identify", "Identifying"]

Identify: TypeAlias = Callable[[Value], Awaitable[User | None]]
"""From the ASGI scope of a request to its user; None for nobody known."""

FindUser: TypeAlias = Callable[[str], Awaitable[User | None]]
"""From a login to its user; None for nobody known."""

F = TypeVar("F", bound=Identify)
G = TypeVar("G", bound=FindUser)


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

    bindings: Bindings
    identifies: Identify | None = None
    finds_user: FindUser | None = None

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

    def find_user(self, function: G) -> G:
        """Have this function say who has a login, for commands that act for somebody: ``holdall call --as ann``.

        ``Users`` do so where nothing else was given. Raises DeclarationError where there is one already, or what is
        given cannot be called.

        >>> from holdall import Holdall
        >>> app = Holdall("atlas")
        >>> @app.find_user
        ... async def known(login):
        ...     return User("7", frozenset({"editor"}), login=login) if login == "ann" else None
        >>> app.finds_user is known
        True
        """
        if not callable(function):
            raise DeclarationError("app.find_user takes an async function of a login")
        if self.finds_user is not None:
            raise DeclarationError(
                "this application finds its users already: app.find_user is given once, before Users"
            )
        self.finds_user = function
        return function

    async def explain_access(self, user: User, verb: Right | str, record: Model) -> AccessReport:
        """Return whether the user may "read", "create", "update" or "delete" a record as it is, and why.

        Raises StateError for another verb. Example: ``docs/policies.md``.
        """
        self.bindings.configure()
        right = right_of(verb)
        if hidden_ends(record).isdisjoint(self.bindings.of_model(type(record)).all_fields):
            return await explain_access(self.bindings, user, right, record)
        session = Session(
            self.bindings
        )  # of the program, which may read what is withheld from the record's own session
        try:
            whole = await session.get(type(record), record.__key__())
            for field in map(record.__holdall__.by_name.__getitem__, old_of(record) if whole is not None else ()):
                field.put(whole, field.get(record))
            return await explain_access(self.bindings, user, right, record if whole is None else whole)
        finally:
            session.rollback()
