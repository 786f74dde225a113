"""Folders that are held open: used again only while their paths lead to them, and closed in the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdall.errors import StoreUnavailable
from holdall.files import LocalFiles
from holdall.files.stores import open_folders
from holdall.files.stores.open_folders import OpenFolders
from tests.files.stores.test_local import place

pytestmark = pytest.mark.anyio


async def _given(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _read(files: LocalFiles, key: str) -> bytes:
    return b"".join([piece async for piece in files.read(key)])


@pytest.fixture(params=["near", "far"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalFiles:
    """A folder on a disk of this machine, and one on another."""
    monkeypatch.setattr(os, "major", lambda _: 259 if request.param == "near" else 0)
    return LocalFiles("files", tmp_path / "files")


def _open_folders() -> int:
    links = [Path("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]
    return sum(each.exists() and each.resolve().is_dir() for each in links)


async def test_a_folder_on_this_machine_is_opened_once(monkeypatch: pytest.MonkeyPatch, files: LocalFiles) -> None:
    is_near, opened, system = os.major(0) == 259, list[object](), os.open
    first, second = "ab" + "0" * 38, "ab0" + "1" * 37
    await files.write(_given(b"first"), first)

    def noted(path: str, *given: int, dir_fd: int | None = None) -> int:
        opened.append(path)
        return system(path, *given, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", noted)
    await files.write(_given(b"second"), second)
    assert len(opened) == (3 if is_near else 10)  # the new file, and the lock in the root
    opened.clear()
    assert await files.delete(second)
    assert len(opened) == (0 if is_near else 3)


async def test_a_folder_that_others_have_put_in_the_place_is_the_one_that_is_used(
    tmp_path: Path, files: LocalFiles
) -> None:
    former, later = "ab" + "0" * 38, "ab0" + "1" * 37
    await files.write(_given(b"one"), former)
    shutil.copytree(tmp_path / "files", tmp_path / "copy")
    (tmp_path / "files").rename(tmp_path / "old")
    (tmp_path / "copy").rename(tmp_path / "files")
    await files.write(_given(b"two"), later)
    assert place(tmp_path / "files", later).read_bytes() == b"two"
    assert not place(tmp_path / "old", later).exists()
    place(tmp_path / "files", former).write_bytes(b"new")
    assert await _read(files, former) == b"new"
    assert await files.delete(former) is True
    assert place(tmp_path / "old", former).exists()


async def test_a_folder_that_was_removed_is_made_again(tmp_path: Path, files: LocalFiles) -> None:
    key = "ab" + "0" * 38
    await files.write(_given(b"one"), key)
    shutil.rmtree(place(tmp_path / "files", key).parent)
    assert await files.delete(key) is False
    await files.write(_given(b"two"), key)
    assert await _read(files, key) == b"two"
    shutil.rmtree(tmp_path / "files" / ".incoming")
    assert await _read(files, await files.write(_given(b"three"))) == b"three"


async def test_a_link_in_the_place_of_a_folder_is_not_followed(tmp_path: Path, files: LocalFiles) -> None:
    key, elsewhere = "ab" + "0" * 38, tmp_path / "elsewhere"
    await files.write(_given(b"one"), key)
    (elsewhere / "0").mkdir(parents=True)
    shutil.rmtree(tmp_path / "files" / "ab")
    (tmp_path / "files" / "ab").symlink_to(elsewhere)
    with pytest.raises(StoreUnavailable):
        await files.write(_given(b"two"), key)
    assert os.listdir(elsewhere / "0") == []


async def test_all_are_closed_with_the_store(monkeypatch: pytest.MonkeyPatch, files: LocalFiles) -> None:
    before = _open_folders()
    monkeypatch.setattr(open_folders, "_MOST", 3)
    for digit in "0123456789":
        await files.write(_given(b"one"), digit * 40)
    is_near = os.major(0) == 259
    assert (_open_folders() > before) is is_near
    assert _open_folders() <= before + 3
    await files.close()
    assert _open_folders() == before
    assert await _read(files, "0" * 40) == b"one"


async def test_a_folder_that_is_used_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "major", lambda _: 259)
    folders = OpenFolders(tmp_path)
    with folders.level("ab0", is_made=True) as level:
        folders.close()
        os.mkdir("new", dir_fd=level)
    assert (tmp_path / "ab" / "0" / "new").is_dir()
