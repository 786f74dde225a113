"""``python -m bench [NAME ...] [--rounds N] [--quick] [--list]``: the rows whose names begin so, or all."""

from __future__ import annotations

import argparse
import sys
import time

from bench import (
    acting,
    contexts,
    crowd,
    events,
    files,
    growth,
    http,
    in_bulk,
    models,
    mongo,
    redis,
    report,
    rest,
    rules,
    seeing,
    several,
    sql,
    start,
    transfer,
)
from bench.arena import Arena
from bench.process import BUILD
from bench.run import Result, Row, run

_THEMES = (
    start.rows,
    models.rows,
    sql.rows,
    in_bulk.rows,
    transfer.rows,
    seeing.rows,
    contexts.rows,
    rules.rows,
    acting.rows,
    events.rows,
    redis.rows,
    mongo.rows,
    rest.rows,
    several.rows,
    http.rows,
    crowd.rows,
    files.rows,
    growth.rows,
)


def main() -> int:
    """Measure, print, write; 1 if Holdall itself failed somewhere."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Holdall beside raw code and its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of row names; none means all")
    parser.add_argument(
        "--rounds", type=int, default=5, help="interleaved rounds per row; figures are medians over them"
    )
    parser.add_argument("--quick", action="store_true", help="two rounds of less work: a look, not a measurement")
    parser.add_argument("--list", action="store_true", help="only print the rows' names")
    options = parser.parse_args()
    began = time.monotonic()
    results: list[Result] = []
    for theme in _THEMES:
        with Arena(is_quick=options.quick) as arena:
            selected = [row for row in theme(arena) if _is_selected(row, options.names)]
            for row in selected:
                if options.list:
                    print(row.name)
                    continue
                if not results:
                    report.show_head()
                results.append(run(row, 2 if options.quick else options.rounds))
                report.show(results[-1])
    if options.list:
        return 0
    if not results:
        parser.error("no row's name begins so; --list prints them all")
    report.write(results, BUILD / "bench.json")
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if all(result.ours is not None for result in results) else 1


def _is_selected(row: Row, names: list[str]) -> bool:
    return not names or any(row.name.startswith(name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
