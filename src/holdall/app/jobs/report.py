"""Reports of jobs: how far each is, what its function has counted, and the records that failed."""

from __future__ import annotations

import datetime as dt

import msgspec

from holdall.query import Json

__all__ = ["MOST_FAILURES", "JobFailure", "JobReport"]

MOST_FAILURES = 100


class JobFailure(msgspec.Struct, frozen=True):
    """A record that stayed as it was, by its key as text, and the reason. Example: :class:`JobReport`."""

    key: str
    reason: str


class JobReport(msgspec.Struct, frozen=True):
    """A job as it stands: ``state`` is planning, running, cancelled, done or failed, for a ``reason``.

    ``counts`` are the sums of what the function gave for each batch; ``failures`` are the first hundred of the records
    that ``failed``. ``result`` is that of an action, in a list with keys where it is done on each of some records.

    >>> made = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> print(JobReport("a1", "slugs", {}, "running", made, 4, 1, 10, 1, {"changed": 9}, (JobFailure("7", "why"),)))
    a1 slugs: running, 1 of 4 parts, 10 seen, 1 failed, changed 9
      7: why
    """

    id: str
    name: str
    inputs: dict[str, Json]
    state: str
    created_at: dt.datetime
    parts: int
    parts_done: int
    seen: int
    failed: int
    counts: dict[str, float]
    failures: tuple[JobFailure, ...]
    result: Json = None
    reason: str = ""

    @property
    def is_done(self) -> bool:
        """Whether all its parts are done. Example: :class:`JobReport`."""
        return self.state == "done"

    def __str__(self) -> str:
        told = [f"{self.parts_done} of {self.parts} parts", f"{self.seen} seen", f"{self.failed} failed"]
        told += [f"{name} {number:g}" for name, number in self.counts.items()]
        told += [self.reason] if self.reason else []
        head = f"{self.id} {self.name}: {self.state}, {', '.join(told)}"
        return "\n".join([head, *(f"  {each.key}: {each.reason}" for each in self.failures)])
