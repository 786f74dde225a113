"""The check of all records that an operator began: how far it is, and its findings."""

from __future__ import annotations

import asyncio

from holdall.app import FsckProgress, FsckReport, Holdall
from holdall.errors import HoldallError

__all__ = ["FsckRun"]


class FsckRun:
    """At most one check at a time; the findings of the last one stay until the next.

    >>> FsckRun().is_running
    False
    """

    def __init__(self) -> None:
        self.progress: FsckProgress | None = None
        self.report: FsckReport | None = None
        self.failed = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a check is under way."""
        return self._task is not None and not self._task.done()

    def begin(self, app: Holdall, *, repair: bool) -> None:
        """Begin a check, unless one is under way."""
        if not self.is_running:
            self.progress, self.report, self.failed = None, None, ""
            self._task = asyncio.create_task(self._run(app, repair=repair))

    async def wait(self) -> None:
        """Wait until the check that is under way is over."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self, app: Holdall, *, repair: bool) -> None:
        try:
            self.report = await app.fsck(repair=repair, progress=self._tell)
        except HoldallError as error:
            self.failed = str(error)

    def _tell(self, progress: FsckProgress) -> None:
        self.progress = progress
