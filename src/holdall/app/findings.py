"""What fsck tells: how far it is, and in the end what it found, counted and with examples."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Fault", "Finding", "FsckProgress", "FsckReport", "Tally"]

_EXAMPLES = 5


class FsckProgress(msgspec.Struct, frozen=True):
    """How far it is: what it looks at, how many records it looked at so far, how many faults it found.

    ``position`` is where to begin again, should it be stopped now.
    """

    place: str
    checked: int
    found: int
    position: str


class Fault(msgspec.Struct, frozen=True):
    """One record with one thing wrong."""

    kind: str
    collection: str
    field: str
    key: Any
    is_repaired: bool


class Finding(msgspec.Struct, frozen=True):
    """One kind of fault in one field: how many records have it, in how many it was repaired, the keys of some.

    ``kind`` is "dangling" (it refers to what is not there), "one-sided" (a stored other end says something else than
    the references) or "shared" (several refer to a record that only one may refer to).
    """

    kind: str
    collection: str
    field: str
    number: int
    repaired: int
    examples: tuple[Any, ...]

    def __str__(self) -> str:
        some = ", ".join(map(repr, self.examples)) + (", …" if self.number > len(self.examples) else "")
        done = f", {self.repaired} repaired" if self.repaired else ""
        return f"{self.collection}.{self.field}: {self.number} {self.kind}{done} ({some})"


class FsckReport(msgspec.Struct, frozen=True):
    """What was found. ``checked`` counts the looks at records, one for each reference. Printing it shows it."""

    checked: int
    findings: tuple[Finding, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong, or not any more."""
        return all(finding.number == finding.repaired for finding in self.findings)

    def __str__(self) -> str:
        if not self.findings:
            return f"all references hold ({self.checked} checked)"
        return "\n".join([*map(str, self.findings), f"{self.checked} checked"])


class Tally:
    """Counts faults, keeping a few keys of each kind."""

    def __init__(self) -> None:
        self.checked = 0
        self.number = 0
        self._counts: dict[tuple[str, str, str], list[Any]] = {}

    def add(self, fault: Fault) -> None:
        """Count one more."""
        self.number += 1
        counts = self._counts.setdefault((fault.kind, fault.collection, fault.field), [0, 0, []])
        counts[0] += 1
        counts[1] += fault.is_repaired
        if len(counts[2]) < _EXAMPLES:
            counts[2].append(fault.key)

    def report(self) -> FsckReport:
        """What was counted so far."""
        found = [
            Finding(*place, number, repaired, tuple(keys)) for place, (number, repaired, keys) in self._counts.items()
        ]
        return FsckReport(self.checked, tuple(found))
