"""Passwords set by a token that holds once, and the end of all by which an account was known until then."""

from __future__ import annotations

from datetime import datetime

from holdall.session import Session
from holdall.users.accounts import Account, LoginSession, PasswordReset, epoch_after
from holdall.users.secrets import hash_of

__all__ = ["end_all", "reset_password"]


async def reset_password(session: Session, token: str, kept: str, now: datetime) -> bool:
    """Give an account the password whose hash is ``kept``, and return whether the token held until ``now``."""
    found = await session.get(PasswordReset, hash_of(token))
    if found is None:
        return False
    session.remove(found)
    account = await session.get(Account, found.account)
    if found.expires <= now or account is None or not account.is_active:
        return False
    account.password = kept
    await end_all(session, account, now)
    return True


async def end_all(session: Session, account: Account, now: datetime) -> None:
    """End the sessions of an account, its resets, and bearer tokens that were made for it so far."""
    account.epoch = epoch_after(now)
    await session.delete(LoginSession.where(LoginSession.account == account.id), max_affected=None)
    await session.delete(PasswordReset.where(PasswordReset.account == account.id), max_affected=None)
