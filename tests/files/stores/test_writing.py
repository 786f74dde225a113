"""Large contents on their way into a folder: written to the disk while more of them come."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdall.files import LocalFiles

pytestmark = pytest.mark.anyio

_MIB = 1 << 20


async def _given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are not asked")
@pytest.mark.parametrize("is_refused", [False, True])
async def test_the_disk_is_not_left_idle_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    begun = list[tuple[int, int]]()

    def begin(opened: int, start: int, size: int, advice: int) -> None:
        assert (os.fstat(opened).st_size, advice) == (start + size, os.POSIX_FADV_DONTNEED)
        begun.append((start, size))
        if is_refused:
            raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "posix_fadvise", begin)
    files = LocalFiles("files", tmp_path)
    pieces = [bytes([number]) * (_MIB // 2 + 1) for number in range(5)]
    key = await files.write(_given(*pieces))
    assert begun == [(0, _MIB + 2), (_MIB + 2, _MIB + 2)]  # the rest is synced at once
    assert b"".join([piece async for piece in files.read(key)]) == b"".join(pieces)


async def test_what_the_system_writes_in_part_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, counts = os.writev, list[int]()

    def in_part(opened: int, pieces: list[bytes]) -> int:
        counts.append(len(pieces))
        return system(opened, [b"".join(pieces)[:700]])

    monkeypatch.setattr(os, "writev", in_part)
    files = LocalFiles("files", tmp_path)
    pieces = [b"", b"a" * 500, b"b" * 500, b"", b"c" * 400, b"d"]
    key = await files.write(_given(*pieces))
    assert b"".join([piece async for piece in files.read(key)]) == b"".join(pieces)
    assert counts == [6, 4, 1]


def _open_files(folder: Path) -> int:
    links = [Path("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]
    found = [link.readlink() for link in links if link.is_symlink()]
    return sum(not each.is_dir() and each.is_relative_to(folder) for each in found)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
async def test_no_file_stays_open_whether_it_was_kept_or_not(tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"a" * _MIB
        assert _open_files(tmp_path) == 1
        raise ConnectionResetError

    files = LocalFiles("files", tmp_path)
    await files.write(_given(b"a" * (3 * _MIB), b"b"))
    assert _open_files(tmp_path) == 0
    with pytest.raises(ConnectionResetError):
        await files.write(failing())
    assert _open_files(tmp_path) == 0
