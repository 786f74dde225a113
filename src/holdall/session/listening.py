"""Who listens to the changes of records: told of them before a commit decides, and adding rows that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from holdall.policy import User

if TYPE_CHECKING:
    from holdall.session.commit.plan.plan import Batch, Plan
    from holdall.session.context import SessionContext

__all__ = ["Listening"]


class Listening(Protocol):
    """All that listens to the sessions of an application, which do not look where there is none.

    Example: :class:`Binding`.
    """

    def settle(self) -> None:
        """Look which collections are concerned, once all are known, and add those that rows need."""

    def rows(self, batches: Sequence[Batch], user: User) -> list[Batch]:
        """Return what is to be written with these batches, in the same commit."""
        ...

    def untold(self, context: SessionContext, plan: Plan) -> list[Any]:
        """Return what functions are still to be told of before this plan may be carried out."""
        ...

    async def tell(self, context: SessionContext, news: list[Any], seconds: float) -> None:
        """Tell functions, each for at most so many seconds; raises what they raise."""

    def written(self, plan: Plan) -> None:
        """Take note that a plan was carried out."""
