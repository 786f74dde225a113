"""The contract of long work that notes by itself how far it is, and stands among the jobs of an application."""

from __future__ import annotations

from typing import Protocol

from holdall.app.jobs.report import JobReport

__all__ = ["LongWork"]


class LongWork(Protocol):
    """Work whose ids begin with ``prefix``. Example: ``docs/jobs.md``."""

    prefix: str

    async def latest(self, limit: int) -> list[JobReport]:
        """Report the latest, the newest first."""
        ...

    async def show(self, job: str) -> JobReport:
        """Report how far one is; raises NotFound."""
        ...

    async def cancel(self, job: str) -> JobReport:
        """Stop one; raises NotFound, and StateError where that is too late."""
        ...

    async def resume(self, job: str) -> JobReport:
        """Go on with one that was left behind, to its end; raises NotFound."""
        ...
