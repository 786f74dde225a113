"""The explanation of a query over several stores, as a value: which store was asked first for which keys, and the query
that is left.
"""

from __future__ import annotations

import msgspec

from holdall.store import StorePlan

__all__ = ["Asked", "Explanation"]


class Asked(msgspec.Struct, frozen=True):
    """One question that had to be asked before: of which store, what, and how many rows came over."""

    store: str
    question: str
    rows: int


class Explanation(msgspec.Struct, frozen=True):
    """How a session answers a query. Printing it shows it.

    ``asked`` are the questions to other stores, in order; ``query`` is what the collection's own ``store`` is asked in
    the end, and ``plan`` its own statement and plan for that, None where it makes none; ``here`` says what is then done
    by Holdall itself.

    >>> before = Asked("reference", "country where rank = 1 only code", 1)
    >>> print(Explanation((before,), "main", "author"))
    1. reference: country where rank = 1 only code → 1 rows
    2. main: author
    """

    asked: tuple[Asked, ...]
    store: str
    query: str
    here: tuple[str, ...] = ()
    plan: StorePlan | None = None

    def __str__(self) -> str:
        lines = [
            f"{number}. {step.store}: {step.question} → {step.rows} rows" for number, step in enumerate(self.asked, 1)
        ]
        lines.append(f"{len(self.asked) + 1}. {self.store}: {self.query}")
        if self.plan is not None:
            lines += [f"   {line}" for line in str(self.plan).splitlines()]
        lines += [f"   here: {item}" for item in self.here]
        return "\n".join(lines)
