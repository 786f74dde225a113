"""The session as a user's code sees it, over parts that are there already."""

from __future__ import annotations

from holdall.session.context import SessionContext
from holdall.session.session import Session

__all__ = ["session_over"]


class _SessionOver(Session):
    def __init__(self, context: SessionContext) -> None:
        self.user = context.user
        self.context = context


def session_over(context: SessionContext) -> Session:
    """Return the session of these parts, or another view of them where nobody holds it any more.

    Example: :class:`Session`.
    """
    found = context.dao_records.session()
    return found if isinstance(found, Session) else _SessionOver(context)
