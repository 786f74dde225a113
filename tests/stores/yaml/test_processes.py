"""Several processes on one folder: no change is lost, no key is given twice, nobody waits for ever."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest

from holdall.errors import ReferenceViolation, StaleVersion, StoreTimeout, UniqueViolation
from holdall.store import KeyOf
from holdall.stores.yaml import Layout
from tests.support.forked import run_forking
from tests.support.preloaded import PreloadedProcess
from tests.support.yaml_collections import add, atlas, remove, rows, run, update

ROOT = Path(__file__).parents[3]
LAYOUTS = ("record", "collection")
TIMES = 25


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_processes_count_together(tmp_path: Path, layout: Layout) -> None:
    store = atlas(tmp_path, layout)
    run(store.apply([add("City", name="Paris", visits=0, version=1)]))
    words = ["-m", "tests.support.yaml_counting", str(tmp_path), layout, str(TIMES)]
    others = [PreloadedProcess(*words, name) for name in ("a", "b")]
    assert [other.wait(timeout=60) for other in others] == [0, 0]
    cities = rows(store, "City")
    assert cities[1][3:] == (2 * TIMES, 2 * TIMES + 1)
    assert sorted(cities) == list(range(1, 2 * TIMES + 2))
    assert len({city[1] for city in cities.values()}) == 2 * TIMES + 1


def test_a_lock_that_is_not_given_back(tmp_path: Path) -> None:
    store = atlas(tmp_path, lock_timeout=0.05)
    run(store.apply([add("Country", code="FR", name="France")]))
    with open(tmp_path / ".holdall" / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert len(rows(store, "Country")) == 1
        with pytest.raises(StoreTimeout, match="another process"):
            run(store.apply([remove("Country", "FR")]))
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreTimeout):
            rows(store, "Country")
    run(store.apply([remove("Country", "FR")]))


def test_a_child_that_was_forked_keeps_no_lock() -> None:
    """It has the lock open as its parent has, and would hold up all others for as long as it lives."""
    assert run_forking(_FORKING) == ["read", "written"]


_FORKING = """
import os, signal, tempfile
from pathlib import Path
from tests.support.yaml_collections import add, atlas, rows, run

with tempfile.TemporaryDirectory() as folder:
    store = atlas(Path(folder), lock_timeout=0.05)
    children = []
    for held, told in ((store._lock.exclusive, "read"), (store._lock.shared, "written")):
        with held():
            children.append(os.fork())
            if not children[-1]:
                signal.pause()
        assert run(store.apply([add("Country", code=told[:2].upper(), name=told)]))
        assert rows(store, "Country")
        print(told, flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
"""


def test_the_loop_goes_on_while_the_disk_works(tmp_path: Path) -> None:
    store = atlas(tmp_path)

    async def main() -> float:
        longest, loop = 0.0, asyncio.get_running_loop()
        work = asyncio.create_task(store.apply([add("Country", code=f"{n}", name="x") for n in range(300)]))
        while not work.done():
            start = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - start)
        await work
        return longest

    assert run(main()) < 0.5
    assert len(rows(store, "Country")) == 300


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_stores_keep_the_rules_together(tmp_path: Path, layout: Layout) -> None:
    one, other = atlas(tmp_path, layout), atlas(tmp_path, layout)
    run(
        one.apply(
            [add("Country", code="FR", name="France"), add("City", name="Paris", country="FR", visits=0, version=1)]
        )
    )
    with pytest.raises(UniqueViolation) as unique:
        run(
            other.apply([add("City", name="Lyon", visits=0, version=1), add("City", name="Paris", visits=0, version=1)])
        )
    assert (unique.value.fields, unique.value.position) == (("name",), 1)
    for changes, position in (
        ([add("City", name="Rome", country="IT", visits=0, version=1)], 0),
        ([add("Country", code="IT", name="Italy"), remove("Country", "FR")], 1),
        ([update("Country", "FR", neighbours=("XX",))], 0),
    ):
        with pytest.raises(ReferenceViolation) as reference:
            run(other.apply(changes))
        assert reference.value.position == position
    with pytest.raises(StaleVersion):
        run(other.apply([update("City", 1, 5, visits=1)]))
    assert len(rows(one, "City")) == len(rows(one, "Country")) == 1
    run(other.apply([remove("Country", "FR"), remove("City", 1)]))
    swap = [add("City", name=name, visits=0, version=1) for name in ("a", "b")]
    keys = [outcome.key for outcome in run(one.apply(swap))]
    run(other.apply([update("City", keys[0], name="b"), update("City", keys[1], name="a")]))
    assert [rows(one, "City")[key][1] for key in keys] == ["b", "a"]


def test_keys_made_in_the_same_change(tmp_path: Path) -> None:
    store = atlas(tmp_path)
    outcomes = run(
        store.apply(
            [add("City", name="a", visits=0, version=1), update("City", KeyOf(0), visits=3), remove("City", KeyOf(0))]
        )
    )
    assert outcomes[0].key == 1
    assert rows(store, "City") == {}
