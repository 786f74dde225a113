"""The system refuses a folder something: the error says so, and nobody takes a content for lost."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdall.errors import StoreFull, StoreUnavailable
from holdall.files import LocalFiles, TieredFiles
from holdall.files.stores.folder import Folder
from tests.support.forked import run_forking

pytestmark = pytest.mark.anyio


async def _given(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _read(files: LocalFiles | TieredFiles, key: str) -> bytes:
    return b"".join([piece async for piece in files.read(key)])


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


@contextmanager
def _without_descriptors() -> Iterator[None]:
    """This process may open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/dev/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    taken = list[int]()
    try:
        while True:
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in taken:
            os.close(each)


async def test_without_descriptors_nobody_tells_that_a_content_is_gone(tmp_path: Path) -> None:
    files = LocalFiles("files", tmp_path / "files")
    key = await files.write(_given(b"one"))
    await files.close()
    with _without_descriptors():
        for act in (files.size(key), files.delete(key), _read(files, key), files.write(_given(b"two"))):
            with pytest.raises(StoreUnavailable, match="too many files open"):
                await act
    assert await files.size(key) == 3


async def test_folders_that_are_held_are_given_back_where_descriptors_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "major", lambda device: 259)  # as of a disk: no folder of a file system in memory is held
    files = LocalFiles("files", tmp_path / "files")
    keys = [await files.write(_given(b"one"), f"{number:x}" * 40) for number in range(8)]
    with _without_descriptors():
        with pytest.raises(StoreUnavailable, match="too many files open"):
            await files.size(keys[0])
        assert await files.size(keys[0]) == 3


@pytest.mark.parametrize("instead", ["link", "file"])
async def test_a_root_that_is_no_folder_has_lost_nothing(tmp_path: Path, instead: str) -> None:
    root = tmp_path / "files"
    files = LocalFiles("files", root)
    key = await files.write(_given(b"one"))
    root.rename(tmp_path / "moved")
    if instead == "link":
        root.symlink_to(tmp_path / "moved")
    else:
        root.write_bytes(b"")
    await files.close()

    async def keys() -> list[str]:
        return [each async for each in files.keys(_later())]

    acts = (files.size(key), _read(files, key), files.delete(key), files.write(_given(b"two")), files.sweep(_later()))
    for act in (*acts, keys()):
        with pytest.raises(StoreUnavailable, match="a link or a file lies in its place"):
            await act
    root.unlink()
    (tmp_path / "moved").rename(root)
    assert await _read(files, key) == b"one"


async def test_a_content_that_is_given_up_and_cannot_be_removed_is_told_by_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = LocalFiles("files", tmp_path / "files")

    def broken(opened: int) -> None:
        if stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EIO, "the disk is broken")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "the disk is only read")

    monkeypatch.setattr(os, "fsync", broken)
    monkeypatch.setattr(Folder, "delete", read_only)
    with pytest.raises(StoreUnavailable, match="the disk is broken"):
        await files.write(_given(b"one"))


async def test_cold_contents_are_read_where_the_work_store_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    work, cold = LocalFiles("work", tmp_path / "work"), LocalFiles("cold", tmp_path / "cold")
    files = TieredFiles("files", work, cold)
    key = await files.write(_given(b"one"))
    await files.drop(key)

    def full(self: Folder, name: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "begin", full)
    assert await _read(files, key) == b"one"
    assert "file store 'files' reads from 'cold', as no copy is at hand" in caplog.text
    with pytest.raises(StoreFull):
        await files.write(_given(b"two"))


def test_a_child_that_was_forked_keeps_no_lock() -> None:
    """It has the lock open as its parent has, and would hold up who removes contents for as long as it lives."""
    assert run_forking(_FORKING) == ["deleted"]


_FORKING = """
import asyncio, os, signal, tempfile
from datetime import UTC, datetime, timedelta
from holdall.files import LocalFiles

async def given():
    yield b"one"

with tempfile.TemporaryDirectory() as folder:
    files = LocalFiles("files", folder, address="content")
    key = asyncio.run(files.write(given()))
    with files._folder._shared():
        child = os.fork()
        if not child:
            signal.pause()
    signal.alarm(10)
    asyncio.run(files.delete(key, datetime.now(UTC) + timedelta(hours=1)))
    print("deleted", flush=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
