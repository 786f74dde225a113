"""A benchmark's arithmetic: who is asked when, and what the ratios mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from bench.process import Failure, Worker
from bench.run import Measure, Row, run


def _measure(name: str, figures: Iterator[float], asked: list[str]) -> Measure:
    def act() -> float:
        asked.append(name)
        return next(figures)

    return act


def _always(figure: float) -> Measure:
    return lambda: figure


def _row(unit: str, raw: float, ours: float, peers: dict[str, float]) -> Row:
    return Row("row", unit, _always(raw), _always(ours), {name: _always(value) for name, value in peers.items()})


def test_every_round_asks_everybody_once_and_nobody_always_first() -> None:
    asked: list[str] = []
    row = Row(
        "row",
        "us",
        _measure("raw", iter([1.0, 9.0, 2.0]), asked),
        _measure("ours", iter([3.0, 3.0, 30.0]), asked),
        {"peer": _measure("peer", iter([8.0, 7.0, 6.0]), asked)},
    )
    result = run(row, 3)
    assert [Counter(asked[turn : turn + 3]) for turn in (0, 3, 6)] == [Counter(["raw", "ours", "peer"])] * 3
    assert {asked[0], asked[3], asked[6]} == {"raw", "ours", "peer"}
    assert (result.raw, result.ours, dict(result.peers)) == (2.0, 3.0, {"peer": 7.0})


def test_a_cost_is_better_when_it_is_lower() -> None:
    result = run(_row("us", 2.0, 3.0, {"slow": 30.0, "fast": 12.0}), 1)
    assert (result.vs_raw, result.vs_best_peer) == (1.5, 4.0)


def test_a_rate_is_better_when_it_is_higher() -> None:
    result = run(_row("requests/s", 1000.0, 600.0, {"slow": 30.0, "fast": 50.0}), 1)
    assert (result.vs_raw, result.vs_best_peer) == (0.6, 12.0)


def test_another_hand_written_way_is_no_peer() -> None:
    result = run(_row("us", 2.0, 3.0, {"raw other": 1.0, "peer": 6.0}), 1)
    assert result.vs_best_peer == 2.0


def test_who_fails_drops_out_with_a_reason() -> None:
    def fail() -> float:
        raise Failure("it is not installed")

    result = run(Row("row", "us", lambda: 1.0, lambda: 2.0, {"broken": fail, "peer": lambda: 4.0}), 5)
    assert result.reasons == ("broken: it is not installed",)
    assert result.as_json() == {
        "name": "row",
        "ours": 2.0,
        "unit": "us",
        "raw": 1.0,
        "peers": {"peer": 4.0},
        "vs_raw": 2.0,
        "vs_best_peer": 2.0,
    }


def test_a_worker_does_jobs_in_a_process_of_its_own() -> None:
    worker = Worker("bench.raw.models")
    try:
        assert worker.do("memory", count=100) > 0
        with pytest.raises(Failure, match="AttributeError"):
            worker.do("no_such_job", count=100)
        assert worker.do("read", count=100) > 0
    finally:
        worker.close()
