"""Jobs, for code that is not async."""

from __future__ import annotations

from holdall.app.jobs import JobReport, Jobs
from holdall.query import Json
from holdall.session import Wait

__all__ = ["SyncJobs"]


class SyncJobs:
    """The verbs of ``Jobs``, each of which waits for its result. Example: :class:`holdall.app.jobs.Jobs`."""

    def __init__(self, jobs: Jobs, call: Wait) -> None:
        self._jobs = jobs
        self._call = call

    def start(self, name: str, **inputs: Json) -> str:
        """Note a job with its inputs, to be run, and return its id."""
        return self._call(lambda: self._jobs.start(name, **inputs))

    def run(self, job: str, *, workers: int = 2) -> JobReport:
        """Work on a job until it is done or cancelled, and report."""
        return self._call(lambda: self._jobs.run(job, workers=workers))

    def show(self, job: str) -> JobReport:
        """Report how far a job is."""
        return self._call(lambda: self._jobs.show(job))

    def latest(self, limit: int = 100) -> list[JobReport]:
        """Report the latest jobs, the newest first."""
        return self._call(lambda: self._jobs.latest(limit))

    def cancel(self, job: str) -> JobReport:
        """Have a job stop after the batches that are under way."""
        return self._call(lambda: self._jobs.cancel(job))

    def resume(self, job: str, *, workers: int = 2) -> JobReport:
        """Go on with a job that was cancelled, or that a process left behind."""
        return self._call(lambda: self._jobs.resume(job, workers=workers))
