"""The folder of files: nothing leads out of it, it is made again, and what the system refuses is told."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdall.errors import FileMissing, StoreUnavailable
from holdall.files import FileCodec, LocalFiles, keep
from holdall.files.stores.folder import Folder
from holdall.files.thumbnails import Thumbnails
from tests.support.forked import run_forking

pytestmark = pytest.mark.anyio


async def _given(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _read(files: LocalFiles, key: str) -> bytes:
    return b"".join([piece async for piece in files.read(key)])


def place(folder: Path, key: str) -> Path:
    return folder / key[:2] / key[2:3] / key


async def test_no_link_is_followed(tmp_path: Path) -> None:
    files, outside, key = LocalFiles("files", tmp_path / "files"), tmp_path / "secret", "ab" + "0" * 38
    outside.write_bytes(b"secret")
    await files.write(_given(b"mine"), "cd" + "0" * 38)
    place(tmp_path / "files", key).parent.mkdir(parents=True)
    place(tmp_path / "files", key).symlink_to(outside)
    with pytest.raises(FileMissing):
        await _read(files, key)
    assert await files.size(key) is None
    assert key not in [each async for each in files.keys(datetime.now(UTC) + timedelta(hours=1))]
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "0").mkdir(parents=True)
    (elsewhere / "0" / ("ef" + "0" * 38)).write_bytes(b"secret")
    (tmp_path / "files" / "ef").symlink_to(elsewhere)
    with pytest.raises(FileMissing):
        await _read(files, "ef" + "0" * 38)
    with pytest.raises(StoreUnavailable):
        await files.write(_given(b"new"), "ef" + "1" * 38)
    assert sorted(path.name for path in elsewhere.rglob("*") if path.is_file()) == ["ef" + "0" * 38]
    assert await files.delete(key) is True  # the link itself
    assert outside.read_bytes() == b"secret"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
async def test_what_is_no_file_is_no_content(tmp_path: Path, kind: str) -> None:
    files, key = LocalFiles("files", tmp_path), "ab" + "0" * 38
    place(tmp_path, key).parent.mkdir(parents=True)
    place(tmp_path, key).mkdir() if kind == "folder" else os.mkfifo(place(tmp_path, key))
    with pytest.raises(FileMissing):
        await _read(files, key)
    assert await files.size(key) is None


async def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    files = LocalFiles("files", tmp_path / "a" / "files")
    await files.write(_given(b"one"))
    shutil.rmtree(tmp_path / "a")
    assert await _read(files, await files.write(_given(b"two"))) == b"two"


async def test_what_the_system_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="its folder cannot be used"):
        await LocalFiles("files", tmp_path / "taken").write(_given(b"one"))

    def full(self: Folder, name: str) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "begin", full)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await LocalFiles("files", tmp_path / "files").write(_given(b"one"))


async def test_equal_contents_lie_there_once_and_are_young_again(tmp_path: Path) -> None:
    files = LocalFiles("files", tmp_path, address="content")
    keys = await asyncio.gather(*[files.write(_given(b"same")) for _ in range(5)])
    (kept,) = {place(tmp_path, key) for key in keys}
    os.utime(kept, (0, 0))
    moment = datetime.now(UTC) - timedelta(hours=1)
    assert [key async for key in files.keys(moment)] == [keys[0]]
    await files.write(_given(b"same"))
    assert await files.delete(keys[0], moment) is False
    assert await _read(files, keys[0]) == b"same"


@pytest.mark.parametrize("lies", ["in memory", "on the disk", "in part", "unknown to Python"])
async def test_small_contents_that_lie_in_memory_need_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lies: str
) -> None:
    files, given, threads = LocalFiles("files", tmp_path), os.urandom(1_000), list[object]()
    key = await files.write(_given(given))
    monkeypatch.setattr(Folder, "is_near", True)

    def preadv(opened: int, buffers: list[bytearray], start: int, flags: int) -> int:
        if lies == "on the disk":
            raise BlockingIOError
        assert flags == os.RWF_NOWAIT
        return os.preadv(opened, [memoryview(buffers[0])[: None if lies == "in memory" else 10]], start)

    async def in_thread(work: Callable[..., object], *given: object) -> object:
        threads.append(work)
        return work(*given)

    system = SimpleNamespace(**vars(os)) if sys.platform == "linux" else pytest.skip("there is no RWF_NOWAIT")
    system.preadv = preadv
    if lies == "unknown to Python":  # as one made for musl, or for an old glibc
        del system.RWF_NOWAIT
    monkeypatch.setattr("holdall.files.stores.local.os", system)
    monkeypatch.setattr("holdall.files.stores.local.asyncio.to_thread", in_thread)
    assert [piece async for piece in files.read(key, 0, 1_000)] == [given]
    assert bool(threads) is (lies != "in memory")
    assert b"".join([piece async for piece in files.read(key, 990, 2_000)]) == given[990:]
    with pytest.raises(FileMissing):
        await _read(files, "ab" + "0" * 38)


def test_a_folder_of_another_machine_is_not_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 259):
        folder = Folder(tmp_path)
        assert not folder.is_near  # it is not known yet
        monkeypatch.setattr("holdall.files.stores.folder.os.major", lambda _, number=number: number)
        os.close(folder.begin(f"new-{number}"))
        assert folder.is_near is bool(number)


class _Telling(LocalFiles):
    """Tells when a content is written."""

    is_written: asyncio.Event

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        found = await super().write(content, key)
        self.is_written.set()
        return found


class _Slow:
    """A hash that is not done before it is let go on."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def update(self, data: bytes, /) -> None:
        self.may_end.wait()

    def hexdigest(self) -> str:
        return "0" * 64


async def test_a_content_is_hashed_while_it_is_written_and_given_up_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, digest = _Telling("files", tmp_path), _Slow()
    monkeypatch.setattr("holdall.files.keeping._sha256", lambda: digest)
    rule = FileCodec("files", (), 1 << 20, Thumbnails({}, 1), is_inside=False)
    later = datetime.now(UTC) + timedelta(hours=1)
    for is_given_up in (False, True):
        digest.may_end.clear()
        files.is_written = asyncio.Event()
        task = asyncio.create_task(keep(files, rule, bytes(1 << 18), "zeros", {}))
        await files.is_written.wait()
        (kept,) = [each async for each in files.keys(later)]
        assert not task.done()
        if is_given_up:
            task.cancel()
            await asyncio.wait([task])
            assert [each async for each in files.keys(later)] == []
        digest.may_end.set()
        await asyncio.wait([task])
        assert task.cancelled() is is_given_up
        await files.delete(kept)


async def test_contents_of_one_program_lie_side_by_side(tmp_path: Path) -> None:
    """Each folder that is made costs a sync, so that a new store does not make one for each of its first contents."""
    files = LocalFiles("files", tmp_path / "files")
    keys = [await files.write(_given(b"x")) for _ in range(20)]
    assert len({key[:2] for key in keys}) == 1
    assert len({key[2:] for key in keys}) == 20
    assert len([each for each in os.listdir(tmp_path / "files") if len(each) == 2]) == 16


@pytest.mark.parametrize("refused", ["file", "folder"])
async def test_a_content_whose_sync_fails_is_none(
    refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, synced, ended = LocalFiles("files", tmp_path / "files"), os.fsync, list[str]()
    await files.write(_given(b"first"))

    def sync(opened: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(opened).st_mode) else "file"
        synced(opened)
        ended.append(kind)
        if kind == refused:
            raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(StoreUnavailable, match="the disk is broken"):
        await files.write(_given(b"second"))
    monkeypatch.undo()
    assert {"file", "folder"} <= set(ended)  # both, before the file was closed
    assert len([key async for key in files.keys(datetime.now(UTC) + timedelta(hours=1))]) == 1


def test_a_child_that_was_forked_writes_on() -> None:
    """The threads that sync are not in the child."""
    assert run_forking(_FORKING) == ["first", "second"]


_FORKING = """
import asyncio, os, sys, tempfile
from holdall.files import LocalFiles

async def written(files, content):
    async def given():
        yield content
    key = await files.write(given())
    return b"".join([piece async for piece in files.read(key)])

with tempfile.TemporaryDirectory() as folder:
    files = LocalFiles("files", folder)
    print(asyncio.run(written(files, b"first")).decode(), flush=True)
    child = os.fork()
    if not child:
        print(asyncio.run(written(files, b"second")).decode(), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
