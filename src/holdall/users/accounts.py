"""Accounts, sessions and tokens: ordinary models, in any store. Secrets are kept as hashes alone."""

from __future__ import annotations

from datetime import datetime

from holdall.model import JSON, Model, field
from holdall.policy import User

__all__ = ["Account", "AccountToken", "LoginAttempts", "LoginSession", "PasswordReset", "epoch_after"]


class Account(Model, collection="accounts"):
    """A user who is known by an account.

    ``attributes`` are what rules of policies know as ``me.<name>``. Bearer tokens that were made before ``epoch``, in
    seconds since 1970, hold no more.

    >>> Account(id="7", login="ann", roles=["editor"]).user().roles
    frozenset({'editor'})
    """

    id: str = field(pk=True, length=(1, 64))
    login: str = field(unique=True, length=(1, 200))
    password: str = field(default="", repr=False)
    roles: list[str] = field(default_factory=list)
    attributes: JSON = field(default_factory=dict)
    is_active: bool = True
    epoch: int = 0

    def user(self, scopes: frozenset[str] | None = None) -> User:
        """Return the user, with no more roles than the scopes where these are given. Example: :class:`Account`."""
        roles = frozenset(self.roles)
        attributes = self.attributes if isinstance(self.attributes, dict) else {}
        return User(self.id, roles if scopes is None else roles & scopes, login=self.login, attributes=attributes)


class LoginSession(Model, collection="login_sessions"):
    """A session that began with a login; the key is the hash of what its cookie holds. Example: :class:`Users`."""

    id: str = field(pk=True, length=(1, 64))
    account: str = field(index=True)
    csrf: str = field(repr=False)
    expires: datetime = field(index=True)


class AccountToken(Model, collection="account_tokens"):
    """A token of an account for programs; the key is its hash. ``scopes`` are roles, None for all that the account has.

    Example: :class:`Users`.
    """

    id: str = field(pk=True, length=(1, 64))
    account: str = field(index=True)
    name: str = ""
    scopes: JSON | None = field(default=None)
    expires: datetime | None = field(default=None)


class PasswordReset(Model, collection="password_resets"):
    """A way to a new password, which holds once; the key is the hash of its token. Example: :class:`Users`."""

    id: str = field(pk=True, length=(1, 64))
    account: str = field(index=True)
    expires: datetime


class LoginAttempts(Model, collection="login_attempts"):
    """The failed logins under one name, whether there is such an account or not. Example: :class:`Users`."""

    id: str = field(pk=True, length=(1, 64))
    failures: int = 0
    locked_until: datetime | None = field(default=None)
    expires: datetime = field(index=True)


def epoch_after(now: datetime) -> int:
    """The epoch of an account whose bearer tokens of so far hold no more."""
    return int(now.timestamp()) + 1
