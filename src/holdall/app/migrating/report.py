"""Reports of migrations: how many records were seen and changed, which ones failed and why, and the changes of some."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.query import Key, Value

__all__ = ["MigrationFailure", "MigrationReport", "MigrationSample", "Tally"]

_MOST_FAILURES = 100
_MOST_SAMPLES = 10


class MigrationFailure(msgspec.Struct, frozen=True):
    """A record that stayed as it was, by its key as text, and the reason. Example: :class:`MigrationReport`."""

    key: str
    reason: str


class MigrationSample(msgspec.Struct, frozen=True):
    """The fields of one record that are changed, each with its value before and after.

    Example: :class:`MigrationReport`.
    """

    key: Key
    changes: dict[str, tuple[Value, Value]]


class MigrationReport(msgspec.Struct, frozen=True):
    """The records that a migration has seen, changed, and left as they were because they failed.

    ``failures`` are the first hundred of them; ``samples`` the first ten that this run changed. ``is_done`` once the
    last record was seen, and nothing was written if ``is_dry_run``.

    >>> report = MigrationReport("book", 3, 2, 1, (MigrationFailure("7", "title: is too short"),), (), True, True)
    >>> print(report)
    book: 3 seen, 2 would be changed, 1 failed
      7: title: is too short
    """

    collection: str
    seen: int
    changed: int
    failed: int
    failures: tuple[MigrationFailure, ...]
    samples: tuple[MigrationSample, ...]
    is_done: bool
    is_dry_run: bool

    def __str__(self) -> str:
        would = "would be changed" if self.is_dry_run else "changed"
        head = f"{self.collection}: {self.seen} seen, {self.changed} {would}, {self.failed} failed"
        return "\n".join([head, *(f"  {each.key}: {each.reason}" for each in self.failures)])


class Tally:
    """A report that grows."""

    def __init__(self) -> None:
        self.seen = self.changed = self.failed = 0
        self.failures: list[MigrationFailure] = []
        self.samples: list[MigrationSample] = []

    def add(self, other: Tally) -> None:
        """Take in what a batch found."""
        self.seen += other.seen
        self.changed += other.changed
        self.failed += other.failed
        self.failures = [*self.failures, *other.failures][:_MOST_FAILURES]
        self.samples = [*self.samples, *other.samples][:_MOST_SAMPLES]

    def fail(self, key: Key, reason: str) -> None:
        """Count a record that stays as it is."""
        self.seen += 1
        self.failed += 1
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(MigrationFailure(_text(key), reason))

    def see(self, key: Key, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Count a record and its changes."""
        self.seen += 1
        changes = {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}
        if changes:
            self.changed += 1
            if len(self.samples) < _MOST_SAMPLES:
                self.samples.append(MigrationSample(key, changes))

    def report(self, collection: str, *, is_done: bool, is_dry_run: bool) -> MigrationReport:
        """The report so far."""
        return MigrationReport(
            collection,
            self.seen,
            self.changed,
            self.failed,
            tuple(self.failures),
            tuple(self.samples),
            is_done,
            is_dry_run,
        )


def _text(key: Key) -> str:
    return ",".join(map(str, key)) if isinstance(key, tuple) else str(key)
