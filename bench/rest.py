"""Rows for somebody else's API: a thousand dependent writes, each answered after 10 ms, and what a single call costs.

The graph has three levels, 100 companies, 300 departments, 600 people, each with the key of its parent, which the API
makes; at most 100 calls are under way at once, so that no one can be faster than about 110 ms. ``varied``: answers take
from 2 to 40 ms. Sequential calls are timed for a tenth of the graph. ``call`` is the time of the processor alone.
"""

from __future__ import annotations

from bench.arena import Arena
from bench.run import Measure, Row

_MILLISECONDS = 1e3
_MICROSECONDS = 1e6


def rows(arena: Arena) -> list[Row]:
    """The graph with equal and with varied times, and one call."""

    def measured(module: str, job: str, pace: str, scale: float) -> Measure:
        def act() -> float:
            url = f"http://127.0.0.1:{arena.server('raw.slow_api', '').port}/{pace}"
            return arena.worker(module).do(job, url=url) * scale

        return act

    def graph(pace: str) -> Row:
        def by(module: str, job: str) -> Measure:
            return measured(module, job, pace, _MILLISECONDS)

        others = {
            "restio": by("peers.restio_graph", "graph"),
            "raw by level": by("raw.rest", "by_level"),
            "raw sequential": by("raw.rest", "sequential"),
        }
        name = "rest/graph" if pace == "10" else f"rest/graph/{pace}"
        return Row(name, "ms", by("raw.rest", "ready_set"), by("ours.rest", "graph"), others)

    def call(job: str) -> Row:
        raw, ours = (measured(module, job, "0", _MICROSECONDS) for module in ("raw.rest", "ours.rest"))
        return Row(f"rest/{job}", "us", raw, ours)

    return [graph("10"), graph("varied"), call("write"), call("read")]
