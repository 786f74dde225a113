"""Tokens of accounts for programs: made, known again, listed and taken back; their hashes alone are kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from holdall.policy import User
from holdall.query import Value
from holdall.session import Session
from holdall.users.accounts import Account, AccountToken
from holdall.users.secrets import hash_of, new_token

__all__ = ["revoke_token", "token_for", "tokens_of", "user_of_token"]

_TOKEN = "hd_"  # noqa: S105 - how tokens of programs begin


def token_for(
    session: Session, account: Account, name: str, scopes: Collection[str] | None, expires: datetime | None
) -> str:
    """Add a token to a session, and return it."""
    token = _TOKEN + new_token()
    kept: Value = None if scopes is None else sorted(scopes)
    session.add(AccountToken(id=hash_of(token), account=account.id, name=name, scopes=kept, expires=expires))
    return token


async def user_of_token(session: Session, token: str, now: datetime) -> User | None:
    """Return the user of a token; None where it does not hold, or not any more."""
    if not token.startswith(_TOKEN):
        return None
    found = await session.get(AccountToken, hash_of(token))
    account = None if found is None else await session.get(Account, found.account)
    if found is None or account is None or not account.is_active:
        return None
    if found.expires is not None and found.expires <= now:
        return None
    return account.user(None if found.scopes is None else frozenset(found.scopes))  # type: ignore[arg-type]


async def tokens_of(session: Session, account: Account) -> list[AccountToken]:
    """Return what is kept of the tokens of an account, by name."""
    found = await session.query(AccountToken.where(AccountToken.account == account.id))
    return sorted(found, key=lambda each: (each.name, each.id))


async def revoke_token(session: Session, account: Account, token: str) -> bool:
    """Remove a token of an account, and return whether there was one."""
    found = await session.get(AccountToken, token)
    if found is None or found.account != account.id:
        return False
    session.remove(found)
    return True
