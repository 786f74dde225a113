"""Actions that are jobs, for code that is not async."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdall.app.application import Application
from holdall.session import SyncSession, Wait

__all__ = ["SyncActions"]


class SyncActions:
    """The verb of an application that starts actions; see ``Holdall``. Example: ``docs/actions.md``."""

    _app: Application

    if TYPE_CHECKING:

        @property
        def _call(self) -> Wait: ...

    def start_action(
        self, session: SyncSession, action: object, on: object = None, *, max_affected: int = 1_000
    ) -> str:
        """Note an action as a job, for the user of a session, and return its id, which ``jobs.run`` takes."""
        return self._call(lambda: self._app.start_action(session.awaited, action, on, max_affected=max_affected))
