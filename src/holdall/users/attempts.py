"""Failed logins under one name, and for how long further ones are to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from holdall.session import Session
from holdall.users.accounts import LoginAttempts

__all__ = ["note_failure"]

_KEPT = timedelta(days=1)
_LONGEST = 900.0  # seconds


async def note_failure(session: Session, name: str, now: datetime, failures: int) -> None:
    """Note a failure; after ``failures`` of them each further try has to wait twice as long."""
    attempts = (await session.get_or_create(LoginAttempts, {"id": name}, expires=now + _KEPT)).record
    attempts.failures += 1
    over = attempts.failures - failures
    if over >= 0:
        attempts.locked_until = now + timedelta(seconds=min(2.0 ** min(over, 20), _LONGEST))
    attempts.expires = now + _KEPT
    await session.delete(LoginAttempts.where(LoginAttempts.expires < now).limit(100))
