"""``python -m tools.build_performance``: write ``docs/performance.md`` from the last run of ``make bench``."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import TypedDict

__all__ = ["Row", "page"]

_HOUSE = Path(__file__).resolve().parents[1]
_RESULTS = _HOUSE / "build" / "bench.json"
_PAGE = _HOUSE / "docs" / "performance.md"

_INTRODUCTION = """\
# Performance

Written by `make performance` from a run of `make bench`; not by hand. Each row measures Holdall, the same work
written by hand against the driver (*raw*), and other libraries that do it, in one run: rounds of all contestants in
turn, the median of each. The figures depend on the machine, the ratios much less. Run it on yours: `make bench`, or
`make bench ARGS="sqlite http"`.

**Against raw**: the time of Holdall over that of the driver by hand, or, where the unit is a rate, the share of the
rate that is left; what is more than 1 (or less than 100 %) is the price of typed records, change tracking, rules and
rights. **Against the best peer**: how many times as fast as the fastest other library that can do it; below 1 that
library is faster.
"""


class Row(TypedDict):
    """A row of ``build/bench.json``."""

    name: str
    ours: float | None
    unit: str
    raw: float | None
    peers: dict[str, float | None]
    vs_raw: float | None
    vs_best_peer: float | None


def page(rows: list[Row], machine: str) -> str:
    """The page for a run on this machine: a table for each theme."""
    parts = [_INTRODUCTION, f"Measured on {machine}.\n"]
    for theme in dict.fromkeys(row["name"].partition("/")[0] for row in rows):
        lines = ["| | Holdall | raw | against raw | against the best peer | peers |", "|---|---|---|---|---|---|"]
        lines += [_line(row) for row in rows if row["name"].partition("/")[0] == theme]
        parts.append(f"## {theme}\n\n" + "\n".join(lines) + "\n")
    slower = [row["name"] for row in rows if row["vs_best_peer"] is not None and row["vs_best_peer"] < 1]
    told = ", ".join(f"`{name}`" for name in slower) if slower else "none of these rows"
    parts.append(f"## Where another library is faster\n\nIn {told}.\n")
    return "\n".join(parts)


def _line(row: Row) -> str:
    is_rate = row["unit"].endswith("/s")
    share = "" if row["vs_raw"] is None else f"{row['vs_raw']:.0%}" if is_rate else f"{row['vs_raw']:.2f} x"
    lead = "" if row["vs_best_peer"] is None else f"{_figure(row['vs_best_peer'])} x"
    peers = ", ".join(f"{name} {_figure(value)}" for name, value in row["peers"].items())
    cells = [
        row["name"].partition("/")[2],
        f"{_figure(row['ours'])} {row['unit']}",
        _figure(row["raw"]),
        share,
        lead,
        peers,
    ]
    return "| " + " | ".join(cells) + " |"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> int:
    """Write the page; 1 where nothing was measured yet."""
    if not _RESULTS.exists():
        print("nothing is measured yet: make bench", file=sys.stderr)
        return 1
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    _PAGE.write_text(page(json.loads(_RESULTS.read_text()), machine))
    print(_PAGE.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
