"""Run as a script: adds one to a city's visits so many times, in competition with others, and adds cities."""

from __future__ import annotations

import sys
from pathlib import Path

from holdall.errors import StaleVersion
from tests.support.yaml_collections import add, row, run, update
from tests.support.yaml_dying import opened


def count(root: Path, layout: str, times: int, name: str) -> None:
    store = opened(root, layout)  # type: ignore[arg-type]
    for number in range(times):
        while True:
            city = row(store, "City", 1)
            assert city is not None
            try:
                run(store.apply([update("City", 1, city[4], visits=city[3] + 1, version=city[4] + 1)]))
                break
            except StaleVersion:
                continue
        run(store.apply([add("City", name=f"{name}{number}", visits=0, version=1)]))


if __name__ == "__main__":
    count(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
