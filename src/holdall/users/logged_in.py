"""A session that begins with a login, however the user was known."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from holdall.policy import User
from holdall.session import Session
from holdall.users.accounts import Account, LoginSession, epoch_after
from holdall.users.secrets import hash_of, new_token

__all__ = ["LoggedIn", "begin_session", "end_session"]


class LoggedIn(msgspec.Struct, frozen=True):
    """A login that went well: the token for the cookie, the one against forged requests, and the user.

    Example: :class:`Users`.
    """

    token: str
    csrf: str
    user: User
    expires: datetime


async def begin_session(session: Session, account: Account, now: datetime, lasting: timedelta) -> LoggedIn:
    """Begin the session of an account, and forget some of those that are over."""
    made = LoggedIn(new_token(), new_token(), account.user(), now + lasting)
    session.add(LoginSession(id=hash_of(made.token), account=account.id, csrf=made.csrf, expires=made.expires))
    await session.delete(LoginSession.where(LoginSession.expires < now).limit(100))
    return made


async def end_session(session: Session, token: str, now: datetime) -> None:
    """End the session of a token, if there is one, and bearer tokens that were made for its user so far."""
    found = await session.get(LoginSession, hash_of(token))
    if found is None:
        return
    session.remove(found)
    account = await session.get(Account, found.account)
    if account is not None:
        account.epoch = epoch_after(now)
