"""What a folder holds for a commit over several stores is there whole or not at all, whoever dies or looks."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import (
    AlreadyExists,
    CorruptRecord,
    HoldallError,
    LimitExceeded,
    ReferenceViolation,
    Reserved,
    StaleVersion,
    StoreError,
    StoreUnavailable,
    UnknownFormat,
)
from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Change, Reservation, Verb
from holdall.stores.yaml import Layout, YamlStore
from holdall.stores.yaml.files import Folder
from tests.support import yaml_dying as dying
from tests.support.preloaded import run_preloaded
from tests.support.yaml_collections import CITY, add, atlas, remove, rows, run, update
from tests.support.yaml_dying import PREPARED, RESERVATION

ROOT = Path(__file__).parents[3]
LAYOUTS = ("record", "collection")
COMMIT = RESERVATION.commit
State = tuple[dict[Any, Any], dict[Any, Any], list[Reservation]]


def world(root: Path, layout: Layout, act: str = "prepare") -> Path:
    """A folder in which the act can be done."""
    store = atlas(root, layout)
    countries = [add("Country", code=code, name=name) for code, name in (("FR", "France"), ("DE", "Germany"))]
    run(store.apply([*countries, add("City", name="Paris", country="FR", visits=0, version=1)]))
    if act != "prepare":
        changes = dying.CHANGES if act != "prepare again" else [update("Country", "FR", name="held before")]
        run(store.prepare(RESERVATION, changes))
    return root


def state(root: Path, layout: Layout) -> State:
    store = dying.opened(root, layout)
    return rows(store, "Country"), rows(store, "City"), run(store.prepared())


def leftovers(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if path.name.startswith((".holdall-", "journal"))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("act", ["prepare", "prepare again", "commit", "roll back"])
def test_killed_at_any_stage(tmp_path: Path, layout: Layout, act: str) -> None:
    origin = world(tmp_path / "origin", layout, act)
    before = state(origin, layout)
    done = Path(shutil.copytree(origin, tmp_path / "done"))
    stages = dying.stages(done, layout, act)
    after = state(done, layout)
    assert (before == after) == (act == "prepare again")  # only the footprint differs
    for number in range(len(stages)):
        shutil.copytree(origin, tmp_path / str(number))
    words = ["-m", "tests.support.yaml_dying", str(tmp_path), layout, str(len(stages)), act]
    run_preloaded(*words, check=True)
    seen = []
    for number, stage in enumerate(stages):
        root = tmp_path / str(number)
        found = state(root, layout)
        assert found in (before, after), stage
        seen.append(found == after)
        store = dying.opened(root, layout)
        run(store.roll_back_prepared(COMMIT))
        run(store.apply([update("Country", "FR", name="again")]))  # writing sweeps up what was only staged
        assert leftovers(root) == []
    assert seen == sorted(seen)  # never back again
    assert seen[-1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_killed_process_holds_is_committed_by_another(tmp_path: Path, layout: Layout) -> None:
    root = world(tmp_path / "origin", layout, "commit")
    one, other = dying.opened(root, layout), dying.opened(root, layout)
    with pytest.raises(Reserved) as caught:
        run(one.apply([update("Country", "DE", name="x")]))
    assert caught.value.reservations == (RESERVATION,)
    assert run(other.commit_prepared(COMMIT, PREPARED)) is True
    assert run(one.commit_prepared(COMMIT, PREPARED)) is False
    assert rows(one, "Country")["FR"][1] == "La France"
    run(one.apply([add("Country", code="DE", name="again")]))
    (made,) = run(one.apply([add("City", name="Oslo", visits=0, version=1)]))
    assert made.key == 3


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("act", ["prepare", "prepare again", "commit", "roll back"])
def test_a_disk_error_at_any_stage(tmp_path: Path, layout: Layout, act: str) -> None:
    """Prepared or not, committed or still held: nothing in between, and repeating the act does the rest."""
    origin = world(tmp_path / "origin", layout, act)
    before = state(origin, layout)
    stages = dying.stages(Path(shutil.copytree(origin, tmp_path / "done")), layout, act)
    after = state(tmp_path / "done", layout)
    for number, stage in enumerate(stages):
        root = Path(shutil.copytree(origin, tmp_path / str(number)))
        store = dying.opened(root, layout)
        left = [number]

        def reached(stage: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(errno.ENOSPC, "No space left on device")

        store._journal.reached = reached
        with pytest.raises(StoreUnavailable, match="disk is full"):
            dying.ACTS[act](store)
        nothing: State = (before[0], before[1], [])
        assert state(root, layout) in ((nothing,) if act.startswith("prepare") else (before, after)), stage
        assert leftovers(root) == []
        dying.ACTS[act](store)
        assert state(root, layout) == after


def _too_many(root: Path) -> tuple[YamlStore, Change, type[HoldallError]]:
    return atlas(root, max_records=2), add("Country", code="IT", name="Italy"), LimitExceeded


def _too_large(root: Path) -> tuple[YamlStore, Change, type[HoldallError]]:
    return atlas(root, max_file_bytes=100), update("Country", "FR", notes=["x" * 200]), LimitExceeded


def _unreadable(root: Path) -> tuple[YamlStore, Change, type[HoldallError]]:
    (root / "Country" / "FR.yaml").write_text("name: [")
    return atlas(root), update("Country", "FR", name="x"), CorruptRecord


def _no_target(root: Path) -> tuple[YamlStore, Change, type[HoldallError]]:
    return atlas(root), update("City", 1, country="XX"), ReferenceViolation


def _in_the_way(root: Path) -> tuple[YamlStore, Change, type[HoldallError]]:
    (root / "Country" / "IT.yaml").mkdir()
    store = atlas(root)
    return store, add("Country", code="IT", name="Italy"), HoldallError


@pytest.mark.parametrize("make", [_too_many, _too_large, _unreadable, _no_target, _in_the_way])
def test_what_would_be_refused_is_refused_before_the_decision(
    tmp_path: Path, make: Callable[[Path], tuple[YamlStore, Change, type[HoldallError]]]
) -> None:
    root = world(tmp_path / "root", "record")
    store, change, kind = make(root)
    with pytest.raises(kind):
        run(store.prepare(RESERVATION, [change]))
    assert run(store.prepared()) == []
    assert leftovers(root) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_parts_that_only_fit_one_by_one(tmp_path: Path, layout: Layout) -> None:
    """The bounds count what waits for its commit: what was prepared can be written."""
    store = atlas(tmp_path, layout, max_records=3)
    run(store.apply([add("Country", code=code, name="x") for code in ("FR", "DE")]))
    first = [add("Country", code="IT", name="Italy")]
    run(store.prepare(RESERVATION, first))
    second = [add("Country", code="ES", name="Spain")]
    for attempt in (store.prepare(_other(), second), store.apply(second)):
        with pytest.raises(LimitExceeded, match="1 of commits under way"):
            run(attempt)
    run(store.apply([update("Country", "FR", name="no larger")]))
    run(store.prepare(_other(), [remove("Country", "DE"), *second]))
    assert run(store.commit_prepared(COMMIT, first)) is True
    assert run(store.commit_prepared(_other().commit, [remove("Country", "DE"), *second])) is True
    assert set(rows(store, "Country")) == {"FR", "IT", "ES"}


def test_two_parts_that_only_fit_a_file_one_by_one(tmp_path: Path) -> None:
    store = atlas(tmp_path, "collection", max_file_bytes=1000)
    first, second = ([add("Country", code=code, name=code, notes=["x" * 500])] for code in ("IT", "ES"))
    run(store.prepare(RESERVATION, first))
    with pytest.raises(LimitExceeded, match="bytes in one file"):
        run(store.apply(second))
    run(store.renew_prepared(RESERVATION))
    with pytest.raises(LimitExceeded, match="of commits under way"):
        run(store.prepare(_other(), second))
    assert run(store.commit_prepared(COMMIT, first)) is True
    run(store.apply([remove("Country", "IT"), *second]))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("place", ["Country", ".holdall/reserved"])
def test_rights_and_space_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, place: str) -> None:
    """The disk is asked itself: what it refuses for the records' folder or for the reservation refuses the part."""
    root = world(tmp_path / "root", "record")
    before = state(root, "record")
    real = Folder.write_new

    def write_new(folder: Folder, target: str, content: bytes, like: str = "") -> int:
        if target.startswith(f"{place}/"):
            raise OSError(number, "refused")
        return real(folder, target, content, like)

    monkeypatch.setattr(Folder, "write_new", write_new)
    with pytest.raises(StoreError):
        run(dying.opened(root, "record").prepare(RESERVATION, [remove("Country", "DE")]))
    monkeypatch.undo()
    assert state(root, "record") == before


def test_a_change_by_hand_after_the_preparing(tmp_path: Path) -> None:
    root = world(tmp_path / "root", "record", "commit")
    (root / "Country" / "IT.yaml").write_text("name: written by hand\n")
    store = dying.opened(root, "record")
    with pytest.raises(AlreadyExists):
        run(store.commit_prepared(COMMIT, PREPARED))
    assert [held.commit for held in run(store.prepared())] == [COMMIT]
    (root / "Country" / "IT.yaml").unlink()
    (root / "Country" / "DE.yaml").unlink()
    with pytest.raises(StaleVersion):
        run(store.commit_prepared(COMMIT, PREPARED))
    run(store.roll_back_prepared(COMMIT))
    assert run(store.prepared()) == []


def test_lost_counters_give_no_held_key(tmp_path: Path) -> None:
    root = world(tmp_path / "root", "record", "commit")
    (root / ".holdall" / "counters.json").unlink()
    store = dying.opened(root, "record")
    with pytest.raises(Reserved):
        run(store.apply([add("City", name="Oslo", visits=0, version=1)]))
    assert run(store.commit_prepared(COMMIT, PREPARED)) is True
    (made,) = run(store.apply([add("City", name="Oslo", visits=0, version=1)]))
    assert made.key == 3


GOLDEN = (Path(__file__).parent / "golden" / "reserved_1.json").read_bytes()
"""What version 1 of the file is: it must be read for ever."""


def test_the_golden_reservation(tmp_path: Path) -> None:
    root = world(tmp_path / "root", "record")
    store = dying.opened(root, "record")
    run(store.prepare(RESERVATION, [update("Country", "FR", name="x")]))
    file = root / ".holdall" / "reserved" / COMMIT
    assert file.read_bytes() == GOLDEN
    file.write_bytes(GOLDEN)
    other = dying.opened(root, "record")
    assert run(other.prepared()) == [RESERVATION]
    run(other.apply([update("Country", "DE", name="passes")]))
    with pytest.raises(Reserved):
        run(other.apply([update("Country", "FR", name="x")]))


@pytest.mark.parametrize(
    "content", [b"", b"{", GOLDEN[:100], GOLDEN.replace(b"'FR'", b"'DE'"), GOLDEN.replace(b"2030", b"2031")]
)
def test_a_damaged_reservation_is_named(tmp_path: Path, content: bytes) -> None:
    """Nobody knows what it covers: every writer is told of the file, readers are not hindered, it can be let go of."""
    root = world(tmp_path / "root", "record")
    file = root / ".holdall" / "reserved" / COMMIT
    file.parent.mkdir()
    file.write_bytes(content)
    store = dying.opened(root, "record")
    assert len(rows(store, "Country")) == 2
    change = update("Country", "DE", name="x")
    for attempt in (store.apply([change]), store.prepare(_other(), [change])):
        with pytest.raises(CorruptRecord, match=rf"\.holdall/reserved/{COMMIT}.*damaged"):
            run(attempt)
    (held,) = run(store.prepared())
    assert (held.commit, held.is_readable) == (COMMIT, False)
    (problem,) = run(store.inspect())
    assert f".holdall/reserved/{COMMIT}" in problem
    run(store.renew_prepared(RESERVATION))
    assert file.read_bytes() == content
    run(store.roll_back_prepared(COMMIT))
    run(store.apply([update("Country", "DE", name="x")]))
    assert run(store.inspect()) == []


def test_a_damaged_reservation_is_committed(tmp_path: Path) -> None:
    """That it is there says that the part is not written; what is to be written is known elsewhere."""
    root = world(tmp_path / "root", "record", "commit")
    (root / ".holdall" / "reserved" / COMMIT).write_bytes(b"{")
    store = dying.opened(root, "record")
    assert run(store.commit_prepared(COMMIT, PREPARED)) is True
    assert run(store.prepared()) == []


def test_a_reservation_of_another_version_covers_everything(tmp_path: Path) -> None:
    root = world(tmp_path / "root", "record")
    file = root / ".holdall" / "reserved" / COMMIT
    file.parent.mkdir()
    file.write_bytes(b'{"format":2,"holds":"who knows"}')
    store = dying.opened(root, "record")
    with pytest.raises(Reserved) as caught:
        run(store.apply([update("Country", "DE", name="x")]))
    (held,) = caught.value.reservations
    assert (held.commit, held.format, held.is_readable) == (COMMIT, 2, False)
    assert run(store.prepared()) == [held]
    assert "format 2" in run(store.inspect())[0]
    run(store.renew_prepared(RESERVATION))
    for work in (
        store.commit_prepared(COMMIT, PREPARED),
        store.roll_back_prepared(COMMIT),
        store.prepare(RESERVATION, PREPARED),
    ):
        with pytest.raises(UnknownFormat, match=rf"\.holdall/reserved/{COMMIT}.*format 2") as told:
            run(work)
        assert told.value.found == 2
    assert b"who knows" in file.read_bytes()


def test_dropping_lets_go_of_what_is_dropped(tmp_path: Path) -> None:
    root = world(tmp_path / "root", "record", "commit")
    cities = YamlStore("atlas", root)
    cities.bind([CITY])
    run(cities.drop())
    assert [held.commit for held in run(cities.prepared())] == [COMMIT]  # it holds countries, too
    store = dying.opened(root, "record")
    run(store.drop())
    assert run(store.prepared()) == []


def test_where_nothing_was_ever_held_nothing_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer pays one look at a folder that is not there; later, one at a folder that did not change."""
    root = world(tmp_path / "root", "record")
    store = dying.opened(root, "record")
    run(store.apply([update("Country", "DE", name="first")]))
    listed: list[str] = []
    real = Folder.entries

    def entries(folder: Folder, place: str) -> list[tuple[str, os.stat_result]]:
        listed.append(place)
        return real(folder, place)

    monkeypatch.setattr(Folder, "entries", entries)
    run(store.apply([update("Country", "DE", name="second")]))
    assert ".holdall/reserved" not in listed
    assert not (root / ".holdall" / "reserved").exists()


def test_hidden_collections_are_not_bounded(tmp_path: Path) -> None:
    fields = (FieldSchema("id", Kind.INT), FieldSchema("body", Kind.STR))
    hidden, plain = Schema("holdall_journal", fields, ("id",)), Schema("journal", fields, ("id",))
    for layout in LAYOUTS:
        store = YamlStore("files", tmp_path / layout, layout=layout, max_records=3, max_file_bytes=100)  # type: ignore[arg-type]
        store.bind([hidden, plain])
        run(store.create())
        changes = [Change(Verb.ADD, hidden.name, number, ("id", "body"), (number, "x" * 200)) for number in range(10)]
        run(store.apply(changes))
        assert len(run(store.fetch(Query(hidden.name)))) == 10
        for bad in (
            [Change(Verb.ADD, plain.name, number, ("id", "body"), (number, "x")) for number in range(4)],
            [Change(Verb.ADD, plain.name, 1, ("id", "body"), (1, "x" * 200))],
        ):
            with pytest.raises(LimitExceeded):
                run(store.apply(bad))


def _other() -> Reservation:
    return Reservation(
        "another", RESERVATION.application, RESERVATION.home, RESERVATION.place, "owner", RESERVATION.expires
    )
