"""Run as a script: applies one change of several files once per stage, each time in a child process killed there.

Arguments: the folder that holds a copy of the data for each run, the layout, and the number of stages.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from holdall.stores.yaml import Layout, YamlStore
from tests.stores.yaml.atlas import CITY, COUNTRY, add, remove, update

CHANGES = [
    add("Country", code="IT", name="Italy"),
    update("Country", "FR", name="La France"),
    remove("Country", "DE"),
    add("City", name="Rome", country="IT", visits=0, version=1),
    update("City", 1, version=2, visits=7),
]
"""In either layout they write several files, one of them the counters."""


def opened(root: Path, layout: Layout) -> YamlStore:
    store = YamlStore("atlas", root, layout=layout)
    store.bind([COUNTRY, CITY])
    return store


def stages(root: Path, layout: Layout) -> list[str]:
    """The stages of the change, in order, by making it."""
    passed: list[str] = []
    store = opened(root, layout)
    store._journal.reached = passed.append
    store._apply(CHANGES)
    return passed


def die_at(number: int, root: Path, layout: Layout) -> None:
    """Make the change in a child that kills itself when it has passed this many stages."""
    child = os.fork()
    if child == 0:
        left = number

        def reached(stage: str) -> None:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

        store = opened(root, layout)
        store._journal.reached = reached
        store._apply(CHANGES)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit(f"the child of stage {number} ended by itself")


if __name__ == "__main__":
    for number in range(int(sys.argv[3])):
        die_at(number, Path(sys.argv[1]) / str(number), sys.argv[2])  # type: ignore[arg-type]
