"""The graph of a thousand records that everybody writes to the slow API."""

from __future__ import annotations

__all__ = ["MOST_AT_ONCE", "NODES", "TENTH"]

_COMPANIES, _DEPARTMENTS, _PEOPLE = 100, 300, 600

MOST_AT_ONCE = 100
"""Calls under way at once."""

NODES: list[tuple[str, str, int]] = [
    *(("company", f"company {n}", -1) for n in range(_COMPANIES)),
    *(("department", f"department {n}", n % _COMPANIES) for n in range(_DEPARTMENTS)),
    *(("person", f"person {n}", _COMPANIES + n % _DEPARTMENTS) for n in range(_PEOPLE)),
]
"""Collection, name, and the place of the parent; parents come first."""

TENTH: list[int] = [place for place in range(len(NODES)) if place % _COMPANIES < _COMPANIES // 10]
"""The places of a tenth of them, whose parents are among them, in order."""
