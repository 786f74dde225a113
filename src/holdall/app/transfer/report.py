"""Reports of imports: how many lines became records, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from holdall.errors import FieldError

__all__ = ["ImportFailure", "ImportReport", "ImportTally"]

_MOST_FAILURES = 10_000


class ImportFailure(msgspec.Struct, frozen=True):
    """A line that is not stored, by its number from 1, and the reasons with their paths.

    Example: :class:`ImportReport`.
    """

    line: int
    errors: tuple[FieldError, ...]

    def __str__(self) -> str:
        told = [f"{error.path}: {error.message}" if error.path else error.message for error in self.errors]
        return f"line {self.line}: {'; '.join(told)}"


class ImportReport(msgspec.Struct, frozen=True):
    """The ends of the lines of an import: created, changed, equal to what is stored, or refused.

    ``failures`` are the first ten thousand of those refused. Nothing was written if ``is_dry_run``.

    >>> print(ImportReport("books", 3, 1, 1, 0, 1, (ImportFailure(3, (FieldError("id", "required", "is required"),)),)))
    books: 3 lines, 1 created, 1 changed, 0 as they were, 1 refused
      line 3: id: is required
    """

    collection: str
    lines: int
    created: int
    changed: int
    unchanged: int
    failed: int
    failures: tuple[ImportFailure, ...] = ()
    is_dry_run: bool = False

    def __str__(self) -> str:
        would = "would be " if self.is_dry_run else ""
        head = (
            f"{self.collection}: {self.lines} lines, {self.created} {would}created, {self.changed} {would}changed,"
            f" {self.unchanged} as they were, {self.failed} refused"
        )
        return "\n".join([head, *(f"  {each}" for each in self.failures)])


class ImportTally:
    """The counts of lines by their ends, while an import goes on."""

    def __init__(self) -> None:
        self.lines = self.created = self.changed = self.unchanged = self.failed = 0
        self.failures: list[ImportFailure] = []

    def refuse(self, line: int, errors: Sequence[FieldError]) -> None:
        """Note a line that is not stored."""
        self.failed += 1
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(ImportFailure(line, tuple(errors)))

    def report(self, collection: str, *, is_dry_run: bool) -> ImportReport:
        """The report so far."""
        counts = (self.lines, self.created, self.changed, self.unchanged, self.failed)
        failures = tuple(sorted(self.failures, key=attrgetter("line")))
        return ImportReport(collection, *counts, failures, is_dry_run)
