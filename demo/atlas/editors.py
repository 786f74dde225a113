"""Who may change the atlas: one account of this start, by the password or the token that the terminal shows."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from holdall import Holdall, User
from holdall.users import Authenticator, Users

__all__ = ["Editors"]

_LOGIN = "editor"
_ROLES = ("editor", "admin")


class Editors:
    """The account, kept in the memory of this process, and the token (RFC 6750) for programs."""

    def __init__(self, app: Holdall) -> None:
        app.add_store("accounts", "memory:")
        self.users = Users(app, store="accounts")
        self.login = _LOGIN
        self.password = secrets.token_urlsafe(9)
        self.token = secrets.token_urlsafe(16)
        self._expected = f"Bearer {self.token}".encode()
        self._by_session = Authenticator(self.users)

    @asynccontextmanager
    async def living(self, service: object) -> AsyncIterator[None]:
        """Make the account when the service starts."""
        await self.users.add(self.login, self.password, roles=_ROLES, key=self.login)
        yield

    async def __call__(self, scope: Mapping[str, Any]) -> User | None:
        """The editor, or None for everybody else."""
        for name, value in scope["headers"]:
            if name == b"authorization" and secrets.compare_digest(value, self._expected):
                return User(self.login, roles=frozenset(_ROLES), login=self.login)
        return await self._by_session(scope)
