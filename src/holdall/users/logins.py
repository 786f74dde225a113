"""Accounts by their logins, which are compared without regard to case and outer spaces."""

from __future__ import annotations

from holdall.errors import NotFound
from holdall.session import Session
from holdall.users.accounts import Account

__all__ = ["account_of", "plain_login"]


def plain_login(login: str) -> str:
    """The login as it is kept."""
    return login.strip().lower()


async def account_of(session: Session, login: str) -> Account:
    """The account of a login. Raises NotFound."""
    found = await session.first(Account.where(Account.login == plain_login(login)))
    if found is None:
        raise NotFound("account of this login")
    return found
