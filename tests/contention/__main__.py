"""Contention over every pair of stores: ``python -m tests.contention --seconds 15``; exits with 1 if anything is wrong.

With ``--base SRC`` each pair is tried on another Holdall, too, in turn, and its speed compared.
"""

from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path

import msgspec

from tests.contention.models import KINDS, VARIANTS
from tests.contention.run import Measure, Trial, contend
from tests.contention.scenery import Scenery

_PAIRS = [*combinations(KINDS, 2), ("sqlite", "sqlite"), ("postgresql", "postgresql")]
_HEADINGS = "pair variant done/s acked aborted half lost twice found torn crossed left partial pending unknown slowest"


def main() -> int:
    options = _options()
    pairs = [tuple(pair.split("+")) for pair in options.pairs.split(",")] if options.pairs else _PAIRS
    measure = Measure(options.processes, options.tasks, options.seconds, options.singles, options.cancels)
    told: list[dict[str, object]] = []
    is_clean = True
    print(_line(_HEADINGS.split()), flush=True)
    with Scenery(is_embedded=options.embedded, folder=options.folder) as scenery:
        for kinds in pairs:
            for variant in options.variants.split(","):
                trials: dict[str, list[Trial]] = {"here": []}
                if options.base:
                    trials = {"base": [], "here": []}
                for turn in range(options.rounds):
                    order = list(trials) if turn % 2 == 0 else list(trials)[::-1]
                    for name in order:
                        arena, stack = scenery.arena(kinds, variant, options.records)
                        with stack:
                            trial = contend(arena, measure, options.base if name == "base" else None)
                        trials[name].append(trial)
                        print(_line([*_cells(trial), "base" if name == "base" else ""]), flush=True)
                is_clean &= all(trial.is_clean for trial in trials["here"])
                told.append({"pair": "+".join(kinds), "variant": variant, "trials": trials, **_ratio(trials)})
                if options.json:
                    Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    if options.base:
        for line in told:
            print(f"{line['pair']:26} {line['variant']:9} {line['ratio']:6} x base")
    for line in told:
        _print_wrong(line)
    return 0 if is_clean else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.contention", description=__doc__)
    parser.add_argument("--pairs", default="", help="sqlite+redis,postgresql+yaml,…; three stores may be joined, too")
    parser.add_argument("--variants", default="versions", help=f"of {','.join(VARIANTS)}")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--tasks", type=int, default=4, help="in each process")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--records", type=int, default=10, help="in each store")
    parser.add_argument("--singles", type=float, default=0.0, help="share of commits that write one store only")
    parser.add_argument("--cancels", type=float, default=0.0, help="share of commits that are cancelled at any moment")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--base", default="", help="src folder of another Holdall to compare with")
    parser.add_argument("--embedded", action="store_true", help="PostgreSQL from its wheel")
    parser.add_argument("--folder", default=None, help="where files are kept")
    parser.add_argument("--json", default="", help="write everything there")
    return parser.parse_args()


def _cells(trial: Trial) -> list[object]:
    findings, ends = trial.seen.findings, trial.ends
    left = sum(trial.seen.unfinished.values()) + trial.seen.prepared
    return [
        "+".join(trial.kinds), trial.variant, trial.rate, trial.acknowledged,
        ends.get("CommitAborted", 0) + ends.get("unread", 0), findings.half, findings.lost, findings.twice,
        findings.found, findings.torn, findings.crossed, left, ends.get("CommitPartial", 0),
        ends.get("CommitPending", 0), ends.get("CommitUnknown", 0), trial.slowest,
    ]  # fmt: skip


def _line(cells: list[object] | list[str]) -> str:
    return f"{cells[0]!s:26} {cells[1]!s:9} " + " ".join(f"{cell!s:>7}" for cell in cells[2:])


def _ratio(trials: dict[str, list[Trial]]) -> dict[str, object]:
    """Commits per second here for each one there."""
    if "base" not in trials:
        return {}
    rates = {name: sum(trial.rate for trial in some) for name, some in trials.items()}
    return {"ratio": round(rates["here"] / rates["base"], 2) if rates["base"] else None}


def _print_wrong(line: dict[str, object]) -> None:
    trials = line["trials"]
    assert isinstance(trials, dict)
    for trial in trials["here"]:
        causes = ", ".join(f"{count} {cause}" for cause, count in trial.aborted.items())
        print(f"{line['pair']} {line['variant']}: aborted by {causes or 'nothing'}; mute {trial.mute}")
        for sentence in [*trial.seen.findings.sentences[:3], *trial.trouble]:
            print(f"    {sentence}")
        left = {**trial.seen.unfinished, "prepared": trial.seen.prepared, **trial.seen.hidden}
        print(f"    left: {left}, balances off by {trial.seen.findings.off}, recovery {trial.seen.recovery:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
