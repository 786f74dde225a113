"""The two forms a run is told in: one table to read, one list of JSON objects to compare."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.run import Result

_HEAD = ("", "ours", "unit", "raw", "vs raw", "vs best peer", "peers")
_WIDTHS = (28, 9, 10, 9, 7, 12)


def show_head() -> None:
    """Print the table's head."""
    _print(_HEAD)
    print("-" * 118, flush=True)


def show(result: Result) -> None:
    """Print one row, and under it why somebody is missing."""
    peers = ", ".join(f"{name} {_figure(value)}" for name, value in result.peers.items())
    row = result.row
    lead = "" if result.vs_best_peer is None else f"{_figure(result.vs_best_peer)} x"
    share = "" if result.vs_raw is None else f"{result.vs_raw:.0%}" if row.is_rate else f"{result.vs_raw:.2f} x"
    _print((row.name, _figure(result.ours), row.unit, _figure(result.raw), share, lead, peers))
    for reason in result.reasons:
        print(f"    without {reason}", flush=True)


def write(results: Sequence[Result], path: Path) -> None:
    """Write the JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([result.as_json() for result in results], indent=1) + "\n")
    print(f"\n{len(results)} rows in {path}", file=sys.stderr)


def _print(cells: Sequence[str]) -> None:
    name, *figures, last = cells
    padded = [f"{cell:>{width}}" for cell, width in zip(figures, _WIDTHS[1:], strict=True)]
    print(" ".join([f"{name:<{_WIDTHS[0]}}", *padded, " " + last]).rstrip(), flush=True)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
