"""What can be done about a commit that did not end as asked."""

from __future__ import annotations

from holdall.errors import NotFound
from holdall.session.commit.ledger import Ledger
from holdall.session.commit.recovery import Recovery, Unfinished

__all__ = ["Settlement"]


class Settlement:
    """One commit over several stores, by name: in the process that made it or, by way of ``app.recovery``, in any."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.commit = ledger.commit

    async def resolve(self) -> Unfinished | None:
        """Find out how it ended, and finish it; None once it is over."""
        ledger = self._ledger
        if ledger.is_in_doubt:
            await ledger.was_decided()
        try:
            return await self._recovery().resolve(self.commit)
        except NotFound:
            return None

    async def retry(self) -> Unfinished | None:
        """Try again what was refused; None once it is over."""
        return await self._recovery().retry(self.commit)

    async def compensate(self) -> Unfinished | None:
        """Undo everything it wrote; None once that is done."""
        return await self._recovery().compensate(self.commit)

    async def accept(self) -> None:
        """Leave everything as it is."""
        await self._recovery().accept(self.commit)

    def _recovery(self) -> Recovery:
        return Recovery(self._ledger.journal, self._ledger.journal.bindings)
