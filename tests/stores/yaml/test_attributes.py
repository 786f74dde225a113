"""What a file has beside its content stays: mode, owner, further names, extended attributes, a byte order mark."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import CorruptRecord
from tests.support.yaml_collections import add, atlas, row, rows, run, update


def placed(root: Path, layout: Any) -> Path:
    file = root / "Country.yaml" if layout == "collection" else root / "Country" / "FR.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("- code: FR\n  name: France\n" if layout == "collection" else "name: France\n")
    return file


@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_the_mode_stays(tmp_path: Path, layout: Any, mode: int) -> None:
    file = placed(tmp_path, layout)
    file.chmod(mode)
    store = atlas(tmp_path, layout)
    run(store.apply([update("Country", "FR", name="F")]))
    assert file.stat().st_mode & 0o7777 == mode
    run(store.apply([update("Country", "FR", name="G"), add("City", name="Nice", visits=0, version=1)]))
    assert file.stat().st_mode & 0o7777 == mode


def test_the_content_is_never_open_to_more_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = placed(tmp_path, "record")
    file.chmod(0o600)
    seen: list[int] = []
    original = os.write

    def write(descriptor: int, content: Any) -> int:
        seen.append(os.fstat(descriptor).st_mode & 0o077)
        return original(descriptor, content)

    monkeypatch.setattr("os.write", write)
    run(atlas(tmp_path).apply([update("Country", "FR", name="F")]))
    assert seen
    assert 0 in seen
    assert seen[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    file = placed(tmp_path, "record")
    os.chown(file, 12345, 23456)
    run(atlas(tmp_path).apply([update("Country", "FR", name="F")]))
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_group_that_cannot_be_kept_gives_no_rights_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = placed(tmp_path, "record")
    os.chown(file, 12345, 23456)
    file.chmod(0o664)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "not permitted")

    with monkeypatch.context() as patch:
        patch.setattr("os.fchown", refuse)
        run(atlas(tmp_path).apply([update("Country", "FR", name="F")]))
    assert file.stat().st_uid == 0
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes")
def test_extended_attributes_stay(tmp_path: Path) -> None:
    file = placed(tmp_path, "record")
    try:
        os.setxattr(file, "user.origin", b"hand")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    run(atlas(tmp_path).apply([update("Country", "FR", name="F")]))
    assert os.getxattr(file, "user.origin") == b"hand"


@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("others", [0, 1])
def test_further_names_stay_those_of_the_same_file(tmp_path: Path, layout: Any, others: int) -> None:
    root = tmp_path / "root"
    file = placed(root, layout)
    twin = tmp_path / "twin.yaml"
    os.link(file, twin)
    store = atlas(root, layout)
    cities = [add("City", name="Nice", visits=0, version=1)] * others
    run(store.apply([update("Country", "FR", name="Fr"), *cities]))
    assert os.path.samefile(file, twin)
    assert "Fr\n" in twin.read_text()
    assert "France" not in twin.read_text()
    assert sorted(path.name for path in root.rglob(".holdall-*")) == []
    assert rows(store, "Country")["FR"][1] == "Fr"


def test_a_file_with_further_names_is_written_whole_whenever_the_process_dies(tmp_path: Path) -> None:
    root = tmp_path / "root"
    file = placed(root, "record")
    os.link(file, tmp_path / "twin.yaml")
    store = atlas(root)

    class Died(BaseException):
        pass

    def die(stage: str) -> None:
        if stage == "decided":
            raise Died

    store._journal.reached = die
    with pytest.raises(Died):
        run(store.apply([update("Country", "FR", name="Fr")]))
    file.write_text("na")  # as an overwriting that was interrupted leaves it
    assert rows(atlas(root), "Country")["FR"][1] == "Fr"
    assert os.path.samefile(file, tmp_path / "twin.yaml")


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_a_byte_order_mark_stays(tmp_path: Path, layout: Any) -> None:
    file = placed(tmp_path, layout)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    run(atlas(tmp_path, layout).apply([update("Country", "FR", name="F")]))
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert file.read_bytes().decode("utf-8-sig").endswith("name: F\n")


@pytest.mark.parametrize("name", ["Country/FR.yaml", "Country", "Country.yaml"])
def test_a_link_is_named_and_stays(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    layout: Any = "collection" if name == "Country.yaml" else "record"
    target = tmp_path / "elsewhere"
    moved = placed(target, layout)
    store = atlas(root, layout)
    link = root / name
    if name == "Country":
        link.rmdir()
    link.symlink_to(target / name)
    for attempt in (lambda: rows(store, "Country"), lambda: run(store.apply([update("Country", "FR", name="F")]))):
        with pytest.raises(CorruptRecord, match=f" {name} cannot be read: it is a symbolic link") as caught:
            attempt()
        assert caught.value.place == name
    assert link.is_symlink()
    assert "France" in moved.read_text()


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_a_file_may_end_in_yml(tmp_path: Path, layout: Any) -> None:
    file = placed(tmp_path, layout)
    short = file.rename(file.with_suffix(".yml"))
    store = atlas(tmp_path, layout)
    assert rows(store, "Country")["FR"][1] == "France"
    run(store.apply([update("Country", "FR", name="F"), add("Country", code="DE", name="Germany")]))
    assert "name: F\n" in short.read_text()
    assert not file.exists()
    assert set(rows(atlas(tmp_path, layout), "Country")) == {"FR", "DE"}
    assert run(store.inspect()) == []
    file.write_text("- code: FR\n  name: G\n" if layout == "collection" else "name: G\n")
    for attempt in (lambda: rows(store, "Country"), lambda: row(store, "Country", "FR")):
        with pytest.raises(CorruptRecord, match=r"FR.yaml has the same key|Country\.yaml is there, too"):
            attempt()
    assert len(run(store.inspect())) == 1
    run(store.drop())
    assert not short.exists()
    assert not file.exists()


@pytest.mark.parametrize("failing", ["listxattr", "setxattr"])
def test_a_file_system_without_attributes_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    file = placed(tmp_path, "record")
    file.chmod(0o640)
    monkeypatch.setattr("os.listxattr", lambda *_: ["user.note"], raising=False)
    monkeypatch.setattr("os.getxattr", lambda *_: b"kept", raising=False)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(f"os.{failing}", refuse, raising=False)
    run(atlas(tmp_path).apply([update("Country", "FR", name="F")]))
    assert file.read_text() == "name: F\n"
    assert file.stat().st_mode & 0o7777 == 0o640
