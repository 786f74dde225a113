"""Run as a script: does one act on several files once per stage, each time in a child process killed there.

Arguments: the folder that holds a copy of the data for each run, the layout, the number of stages, and the act.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from holdall.store import Reservation
from holdall.stores.yaml import Layout, YamlStore
from tests.support.yaml_collections import CITY, COUNTRY, add, remove, update

CHANGES = [
    add("Country", code="IT", name="Italy"),
    update("Country", "FR", name="La France"),
    remove("Country", "DE"),
    add("City", name="Rome", country="IT", visits=0, version=1),
    update("City", 1, version=2, visits=7),
]
"""In either layout they write several files, one of them the counters."""

PREPARED = [*CHANGES[:3], add("City", id=2, name="Rome", country="IT", visits=0, version=1), CHANGES[4]]
"""The same with every key in its place."""

RESERVATION = Reservation("c0ffee", "atlas", "home", "the home store", "owner", dt.datetime(2030, 1, 1, tzinfo=dt.UTC))

ACTS: dict[str, Callable[[YamlStore], object]] = {
    "apply": lambda store: store._apply(CHANGES),
    "prepare": lambda store: store._prepare(RESERVATION, CHANGES),
    "prepare again": lambda store: store._prepare(RESERVATION, CHANGES),
    "commit": lambda store: store._commit_prepared(RESERVATION.commit, PREPARED),
    "roll back": lambda store: store._roll_back_prepared(RESERVATION.commit),
}


def opened(root: Path, layout: Layout) -> YamlStore:
    store = YamlStore("atlas", root, layout=layout)
    store.bind([COUNTRY, CITY])
    return store


def stages(root: Path, layout: Layout, act: str = "apply") -> list[str]:
    """The stages of the act, in order, by doing it."""
    passed: list[str] = []
    store = opened(root, layout)
    store._journal.reached = passed.append
    ACTS[act](store)
    return passed


def die_at(number: int, root: Path, layout: Layout, act: str) -> None:
    """Do the act in a child that kills itself when it has passed this many stages."""
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
        ACTS[act](store)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit(f"the child of stage {number} ended by itself")


if __name__ == "__main__":
    for number in range(int(sys.argv[3])):
        die_at(number, Path(sys.argv[1]) / str(number), sys.argv[2], sys.argv[4])  # type: ignore[arg-type]
