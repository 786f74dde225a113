"""Kills with neighbours: ``python -m tests.crash --kills 2000``; exits with 1 if anything is wrong.

Each round is written to a folder as it ends; ``--resume FOLDER`` goes on after those that are there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import msgspec

from tests.contention.scenery import Scenery
from tests.crash.neighbourhood import RoundOutcome
from tests.crash.rounds import EMBEDDED_WORLDS, WORLDS, Plan, planned, run_all, run_round

_COLUMNS = ("rounds", "kills", "recovery", "helper", "point", "acked", "dead", "half", "lost", "found", "twice", "torn",
            "crossed", "partial", "left", "held", "late", "whole s", "move s", "said")  # fmt: skip


def main() -> int:
    options = _options()
    worlds = [tuple(world.split("+")) for world in options.worlds.split(",")] if options.worlds else list(WORLDS)
    if options.embedded:
        worlds = [world for world in worlds if world in EMBEDDED_WORLDS]
    folder = Path(options.resume or tempfile.mkdtemp(prefix="crash-"))
    folder.mkdir(exist_ok=True)
    print(f"rounds are written to {folder}", flush=True)
    plans = planned(options.kills, worlds, options.neighbours, options.seed, options.each)
    left = [plan for plan in plans if not (folder / f"{plan.number}.json").exists()]
    is_broken = False
    with Scenery(is_embedded=options.embedded, folder=options.folder) as scenery:
        for plan, outcome, seconds in run_all(
            scenery, left, options.side_by_side, partial(run_round, lease=options.lease)
        ):
            if isinstance(outcome, Exception):
                is_broken = True
                print(f"{'+'.join(plan.world)} {plan.number}: {outcome}", flush=True)
                continue
            (folder / f"{plan.number}.json").write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))
            print(f"{seconds:6.0f} s {_round_line(plan, outcome)}", flush=True)
    return 1 if is_broken or not _told(folder, plans) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--neighbours", type=int, default=1)
    parser.add_argument("--worlds", default="", help="sqlite+redis,postgresql+redis,…")
    parser.add_argument("--each", type=int, default=0, help="kills in a round")
    parser.add_argument("--side-by-side", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease", type=float, default=None, help="seconds; the default is Holdall's")
    parser.add_argument("--embedded", action="store_true", help="servers from wheels only")
    parser.add_argument("--folder", default=None, help="where files are kept")
    parser.add_argument("--resume", default="", help="the folder of an earlier run")
    return parser.parse_args()


def _round_line(plan: Plan, outcome: RoundOutcome) -> str:
    verdict = "ok" if outcome.is_clean else "WRONG"
    counted = " ".join(f"{value}" for value in _cells([outcome])[1:])
    return f"{'+'.join(plan.world):24} {plan.variant:9} neighbours {plan.neighbours}: {verdict} {counted}"


def _cells(outcomes: list[RoundOutcome]) -> list[object]:
    kills: Counter[str] = Counter()
    for outcome in outcomes:
        kills.update(outcome.kills)
    found = [outcome.seen.findings for outcome in outcomes]
    return [
        len(outcomes), kills.total() - kills["idle"], kills["recovery"], kills["helper"], kills["point"],
        sum(item.acknowledged for item in outcomes), sum(item.dead for item in outcomes),
        sum(item.half for item in found), sum(item.lost for item in found), sum(item.found for item in found),
        sum(item.twice for item in found), sum(item.torn for item in found), sum(item.crossed for item in found),
        sum(item.partial for item in outcomes), sum(sum(item.seen.unfinished.values()) for item in outcomes),
        sum(item.seen.prepared for item in outcomes), sum(len(item.late) for item in outcomes),
        max((item.slowest_whole for item in outcomes), default=0.0),
        max((item.slowest_move for item in outcomes), default=0.0), sum(len(item.said) for item in outcomes),
    ]  # fmt: skip


def _told(folder: Path, plans: list[Plan]) -> bool:
    """The table of all rounds; whether all of them were clean."""
    paths = [folder / f"{plan.number}.json" for plan in plans]
    outcomes = [msgspec.json.decode(path.read_bytes(), type=RoundOutcome) for path in paths if path.exists()]
    print(f"{'world':26}" + " ".join(f"{name:>8}" for name in _COLUMNS))
    for world in dict.fromkeys(outcome.kinds for outcome in outcomes):
        some = [outcome for outcome in outcomes if outcome.kinds == world]
        print(f"{'+'.join(world):26}" + " ".join(f"{cell!s:>8}" for cell in _cells(some)))
    print(f"{'all':26}" + " ".join(f"{cell!s:>8}" for cell in _cells(outcomes)))
    for outcome in outcomes:
        for sentence in [*outcome.seen.findings.sentences[:3], *outcome.late[:3], *outcome.said[:2]]:
            print(f"{'+'.join(outcome.kinds)} {outcome.variant}: {sentence}")
    return len(outcomes) == len(plans) and all(outcome.is_clean for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
