"""Rounds: in each, every contestant of a row does the same work once, in turn; its figure is the median over rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.process import Failure

Measure = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """One thing to measure. ``raw``, ``ours`` and each peer do the same work and give a figure in ``unit``.

    A name that begins with "raw" among the peers is another hand-written way: shown, but not a peer.
    """

    name: str
    unit: str
    raw: Measure
    ours: Measure
    peers: Mapping[str, Measure] = field(default_factory=dict)
    turns: int = 1  # rounds for each round asked for: more where the work is short and chance plays a greater part

    @property
    def is_rate(self) -> bool:
        """Whether more is better."""
        return self.unit.endswith("/s")


@dataclass(frozen=True)
class Result:
    """What a row came to. ``reasons`` says why a contestant has no figure."""

    row: Row
    ours: float | None
    raw: float | None
    peers: Mapping[str, float]
    reasons: tuple[str, ...]

    @property
    def vs_raw(self) -> float | None:
        """Ours as a multiple of raw, in the row's unit: at most so much for a cost, at least so much for a rate."""
        return None if self.ours is None or not self.raw else self.ours / self.raw

    @property
    def vs_best_peer(self) -> float | None:
        """How many times better than the best peer ours is; above 1 is better, for costs and rates alike."""
        rivals = [value for name, value in self.peers.items() if not name.startswith("raw")]
        if not self.ours or not rivals:
            return None
        return self.ours / max(rivals) if self.row.is_rate else min(rivals) / self.ours

    def as_json(self) -> dict[str, Any]:
        """The row as it stands in ``build/bench.json``."""
        return {
            "name": self.row.name,
            "ours": _short(self.ours),
            "unit": self.row.unit,
            "raw": _short(self.raw),
            "peers": {name: _short(value) for name, value in self.peers.items()},
            "vs_raw": _short(self.vs_raw),
            "vs_best_peer": _short(self.vs_best_peer),
        }


def run(row: Row, rounds: int) -> Result:
    """Measure the row. A contestant that fails drops out, with its reason."""
    contestants: dict[str, Measure] = {"raw": row.raw, "ours": row.ours, **row.peers}
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    reasons: list[str] = []
    for turn in range(rounds * row.turns):
        names = list(contestants)
        first = turn % len(names) if names else 0
        for name in names[first:] + names[:first]:  # nobody always goes first
            try:
                figures[name].append(contestants[name]())
            except Failure as failure:
                reasons.append(f"{name}: {failure}")
                del contestants[name], figures[name]
    medians = {name: statistics.median(values) for name, values in figures.items()}
    raw, ours = medians.pop("raw", None), medians.pop("ours", None)
    return Result(row, ours, raw, medians, tuple(reasons))


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
