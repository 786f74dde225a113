"""A process killed at any stage of a change leaves all of it or nothing, whoever opens the folder next."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import CorruptRecord, StoreError, StoreUnavailable, UnknownFormat
from holdall.stores.yaml import Layout
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import FileEdit, Journal
from tests.support import yaml_dying as dying
from tests.support.preloaded import run_preloaded
from tests.support.yaml_collections import add, atlas, row, rows, run, update

ROOT = Path(__file__).parents[3]
LAYOUTS = ("record", "collection")
GOLDEN = Path(__file__).parent / "golden"
Content = tuple[dict[Any, Any], dict[Any, Any]]


def prepared(root: Path, layout: Layout) -> Path:
    store = atlas(root, layout)
    countries = [add("Country", code=code, name=name) for code, name in (("FR", "France"), ("DE", "Germany"))]
    run(store.apply([*countries, add("City", name="Paris", country="FR", visits=0, version=1)]))
    return root


def content(root: Path, layout: Layout) -> Content:
    store = dying.opened(root, layout)
    return rows(store, "Country"), rows(store, "City")


def leftovers(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if path.name.startswith((".holdall-", "journal"))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed_at_any_stage(tmp_path: Path, layout: Layout) -> None:
    origin = prepared(tmp_path / "origin", layout)
    before = content(origin, layout)
    done = Path(shutil.copytree(origin, tmp_path / "done"))
    stages = dying.stages(done, layout)
    after = content(done, layout)
    assert before != after
    assert {"staged", "deciding", "decided", "moved", "forgotten"} < set(stages)
    for number in range(len(stages)):
        shutil.copytree(origin, tmp_path / str(number))
    words = ["-m", "tests.support.yaml_dying", str(tmp_path), layout, str(len(stages)), "apply"]
    run_preloaded(*words, check=True)
    for number, stage in enumerate(stages):
        root = tmp_path / str(number)
        found = content(root, layout)  # reading alone recovers
        assert found == (after if number >= stages.index("decided") else before), stage
        store = dying.opened(root, layout)
        run(store.apply([update("Country", "FR", name="again")]))  # writing sweeps up what was only staged
        assert leftovers(root) == []
        assert row(store, "Country", "FR") == ("FR", "again", None, None, None, None, ())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_journal_that_decides_nothing_is_caught(
    tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: files moved without a durable decision; some stage must then show half a change."""

    class Killed(BaseException):
        pass

    monkeypatch.setattr(Journal, "_decide", lambda self, moves: None)
    origin = prepared(tmp_path / "origin", layout)
    before = content(origin, layout)
    stages = dying.stages(Path(shutil.copytree(origin, tmp_path / "done")), layout)
    after = content(tmp_path / "done", layout)
    halves = 0
    for number in range(len(stages)):
        root = Path(shutil.copytree(origin, tmp_path / str(number)))
        store = dying.opened(root, layout)
        store._journal.reached = _dies_after(number, Killed)
        with pytest.raises(Killed):
            store._apply(dying.CHANGES)
        halves += content(root, layout) not in (before, after)
    assert halves > 0


def _dies_after(number: int, error: type[BaseException]) -> Callable[[str], None]:
    left = [number]

    def reached(stage: str) -> None:
        if left[0] == 0:
            raise error
        left[0] -= 1

    return reached


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_disk_error_at_any_stage_leaves_nothing(tmp_path: Path, layout: Layout) -> None:
    origin = prepared(tmp_path / "origin", layout)
    before = content(origin, layout)
    stages = dying.stages(Path(shutil.copytree(origin, tmp_path / "done")), layout)
    after = content(tmp_path / "done", layout)
    for number in range(len(stages)):
        root = Path(shutil.copytree(origin, tmp_path / str(number)))
        store = dying.opened(root, layout)
        left = [number]

        def reached(stage: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(errno.ENOSPC, "No space left on device")

        store._journal.reached = reached
        if stages[number] == "forgotten":  # too late to take it back
            with pytest.raises(StoreUnavailable, match="disk is full"):
                run(store.apply(dying.CHANGES))
            assert content(root, layout) == after
            continue
        with pytest.raises(StoreUnavailable, match="disk is full"):
            run(store.apply(dying.CHANGES))
        assert content(root, layout) == before, stages[number]
        assert leftovers(root) == []
        run(store.apply(dying.CHANGES))
        assert content(root, layout) == after


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("has_further_names", [False, True])
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_cannot_be_replaced_keeps_nobody_from_the_others(
    tmp_path: Path, layout: Layout, has_further_names: bool, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = prepared(tmp_path / "root", layout)
    before = content(root, layout)
    fixed = "FR.yaml" if layout == "record" else "Country.yaml"  # mounted by itself, or without the right to write
    if has_further_names:
        os.link(next(root.rglob(fixed)), tmp_path / "twin.yaml")
    names: list[str] = []

    def refuse(target: str) -> None:
        if target.endswith(fixed):
            names.append(target)
            raise OSError(errno.EBUSY, "Device or resource busy", target)

    def refusing(original: Callable[[Folder, str, str], None]) -> Callable[[Folder, str, str], None]:
        def moved(self: Folder, source: str, target: str) -> None:
            refuse(target)
            original(self, source, target)

        return moved

    monkeypatch.setattr(Folder, "rename", refusing(Folder.rename))
    monkeypatch.setattr(Folder, "overwrite", refusing(Folder.overwrite))
    store = dying.opened(root, layout)
    changes = [update("City", 1, name="Lutetia"), update("Country", "FR", name="Gallia")][::order]
    with pytest.raises(StoreUnavailable, match="busy"):
        run(store.apply(changes))
    assert names
    assert leftovers(root) == []
    assert content(root, layout) == before
    run(store.apply([update("City", 1, name="Lutetia")]))
    assert content(root, layout)[1][1][1] == "Lutetia"


@pytest.mark.parametrize("damage", [b"{", b'{"moves":[{"staged":null,"target":"../x"}],"digest":""}', b""])
def test_a_journal_that_is_not_ours_is_refused(tmp_path: Path, damage: bytes) -> None:
    root = prepared(tmp_path / "root", "record")
    (tmp_path / "x").write_text("mine")
    (root / ".holdall" / "journal").write_bytes(damage)
    store = dying.opened(root, "record")
    for attempt in (lambda: rows(store, "Country"), lambda: run(store.apply([add("Country", code="IT", name="I")]))):
        with pytest.raises(CorruptRecord, match="remove it"):
            attempt()
    assert (tmp_path / "x").read_text() == "mine"
    (root / ".holdall" / "journal").unlink()
    assert len(rows(store, "Country")) == 2


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    root = prepared(tmp_path / "root", "record")
    journal = root / ".holdall" / "journal"
    journal.write_bytes(b'{"format":7,"steps":"who knows"}')
    with pytest.raises(UnknownFormat, match=r"\.holdall/journal.* format 7") as caught:
        rows(dying.opened(root, "record"), "Country")
    assert (caught.value.store, caught.value.found, caught.value.known) == ("atlas", 7, 1)
    assert journal.exists()


@pytest.mark.parametrize("form", ["1", "unnumbered"])
def test_a_journal_of_a_known_format_is_finished(tmp_path: Path, form: str) -> None:
    """The golden files: what an earlier version left behind when it was killed."""
    root = prepared(tmp_path / "root", "record")
    shutil.copyfile(GOLDEN / f"journal_{form}.json", root / ".holdall" / "journal")
    (root / "Country" / ".holdall-12ab-0").write_text("name: La France\n")
    (root / ".holdall" / "reserved").mkdir()
    (root / ".holdall" / "reserved" / "c0ffee").write_text("whatever it says")
    store = dying.opened(root, "record")
    assert {key: row[1] for key, row in rows(store, "Country").items()} == {"FR": "La France"}
    assert leftovers(root) == []
    assert run(store.prepared()) == []


def test_a_journal_with_a_place_outside_is_refused(tmp_path: Path) -> None:
    root = prepared(tmp_path / "root", "record")
    folder = Folder(root)

    class Outside(Journal):
        def _carry_out(self, moves: Sequence[Any], *, is_repeated: bool = False) -> None:
            raise KeyboardInterrupt

        def _stage(self, edits: Sequence[FileEdit], token: str, moves: list[Any]) -> None:
            moves.extend([_move("../outside"), _move("Country/FR.yaml")])

        def _previous(self, moves: Sequence[Any]) -> list[FileEdit]:
            return []

    from holdall.stores.yaml.journal import _Move as make

    def _move(target: str) -> Any:
        return make(None, target)

    with pytest.raises(KeyboardInterrupt):
        Outside("atlas", folder).change([FileEdit("a", None), FileEdit("b", None)])
    (tmp_path / "outside").write_text("mine")
    with pytest.raises(CorruptRecord, match="by hand"):
        rows(dying.opened(root, "record"), "Country")
    assert (tmp_path / "outside").exists()


def test_a_read_only_folder_is_read(tmp_path: Path) -> None:
    root = prepared(tmp_path / "root", "record")
    shutil.rmtree(root / ".holdall")
    assert len(rows(dying.opened(root, "record"), "Country")) == 2
    assert not (root / ".holdall").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    store = dying.opened(tmp_path / "none", "record")
    for attempt in (lambda: rows(store, "Country"), lambda: run(store.apply([add("Country", code="IT", name="I")]))):
        with pytest.raises(StoreError, match=r"create\(\) makes it"):
            attempt()
    assert run(store.inspect())[0].endswith("none is missing")
    run(store.drop())
