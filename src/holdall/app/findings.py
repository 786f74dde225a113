"""Reports of fsck: its progress, and in the end its findings, counted and with examples."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.query import Key, Value

__all__ = ["Fault", "Finding", "FsckProgress", "FsckReport", "Tally"]

_EXAMPLES = 5


class FsckProgress(msgspec.Struct, frozen=True):
    """How far it is: what it looks at, how many records it looked at so far, how many faults it found.

    ``position`` is where to begin again, should it be stopped now.

    Example: :class:`FsckReport`.
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
    key: Key
    is_repaired: bool = False
    reason: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One kind of fault in one field: how many records have it, in how many it was repaired, the keys of some.

    ``kind`` is "unreadable" (its stored value is not as the model says; ``reason`` gives one example), "dangling" (it
    refers to a record that is missing), "one-sided" (a stored other end disagrees with the references) or "shared"
    (several refer to a record that only one may refer to). ``field`` is empty where a whole record or collection cannot
    be read.

    Example: :class:`FsckReport`.
    """

    kind: str
    collection: str
    field: str
    number: int
    repaired: int
    examples: tuple[Value, ...]
    reason: str = ""

    def __str__(self) -> str:
        place = f"{self.collection}.{self.field}" if self.field else self.collection
        some = ", ".join(map(repr, self.examples)) + (", …" if self.number > len(self.examples) else "")
        done = f", {self.repaired} repaired" if self.repaired else ""
        shown = f" ({some})" if self.examples else ""
        return f"{place}: {self.number} {self.kind}{done}{shown}" + (f", such as: {self.reason}" if self.reason else "")


class FsckReport(msgspec.Struct, frozen=True):
    """The findings of fsck, with the number of looks at records and of repairs. ``checked`` counts the looks at
    records: one at its values, one for each reference, other end that is stored, and reference that only one may have.
    Printing it shows it.

    >>> print(FsckReport(3, (Finding("dangling", "book", "author", 1, 0, (7,)),)))
    book.author: 1 dangling (7)
    3 checked
    """

    checked: int
    findings: tuple[Finding, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong, or not any more."""
        return all(finding.number == finding.repaired for finding in self.findings)

    def __str__(self) -> str:
        if not self.findings:
            return f"all records can be read, all references hold ({self.checked} checked)"
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
        counts = self._counts.setdefault((fault.kind, fault.collection, fault.field), [0, 0, [], fault.reason])
        counts[0] += 1
        counts[1] += fault.is_repaired
        if len(counts[2]) < _EXAMPLES and fault.key is not None:
            counts[2].append(fault.key)

    def report(self) -> FsckReport:
        """The findings so far."""
        found = [
            Finding(*place, number, repaired, tuple(keys), reason)
            for place, (number, repaired, keys, reason) in self._counts.items()
        ]
        return FsckReport(self.checked, tuple(found))
