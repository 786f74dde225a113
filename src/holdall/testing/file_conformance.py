"""The conformance suite for file stores: subclass it, say how one is opened, and pytest does the rest."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from holdall.errors import FileMissing, HoldallError
from holdall.files import FileStore

__all__ = ["FileStoreConformance"]

R = TypeVar("R")

_PIECES = (b"good ", b"", b"morning", bytes(range(256)) * 300)
_WHOLE = b"".join(_PIECES)
_STRANGE = ("", ".", "..", "../etc/passwd", "/etc/passwd", "a/b", "a" * 40, "0" * 39, "\0", "A" * 40, "ab\n" + "0" * 38)


class _Interrupted(Exception):
    """The content could not be read to its end."""


class FileStoreConformance:
    """Every test that a file store must pass.

    ``open_store`` opens an empty one; ``reopened`` opens the same one again, as another process would, where contents
    outlive the program. ``keeps_outside`` is False for a store whose contents are in their keys.

    >>> from holdall.files import FileStore, MemoryFiles
    >>> class TestMine(FileStoreConformance):
    ...     def open_store(self, folder: Path) -> FileStore:
    ...         return MemoryFiles("files")
    """

    keeps_outside = True

    def open_store(self, folder: Path) -> FileStore:
        """Open a store without contents; the folder is empty and its own.

        Raises TypeError where the class does not define the method.
        """
        raise TypeError(f"{type(self).__name__} opens no store: define open_store(self, folder)")

    def reopened(self, folder: Path, store: FileStore) -> FileStore:
        """Open the store once more; the same one, where it does not outlive the program."""
        return store

    @pytest.fixture
    def files(self, tmp_path: Path) -> Iterator[_Files]:
        """The store on a loop of its own."""
        with asyncio.Runner() as runner:
            found = _Files(runner, self.open_store(tmp_path / "files"))
            yield found
            found.run(found.store.close())

    def test_a_content_comes_back(self, files: _Files, tmp_path: Path) -> None:
        """Bytes come back as they were written, whole or in part, also from the store opened again."""
        key = files.write(*_PIECES)
        assert files.read(key) == _WHOLE
        for start, stop in ((0, 5), (5, 12), (len(_WHOLE) - 1, None), (0, 10**9), (10**9, None), (7, 7), (9, 3)):
            assert files.read(key, start, stop) == _WHOLE[start:stop], (start, stop)
        assert files.run(files.store.size(key)) == len(_WHOLE)
        again = self.reopened(tmp_path / "files", files.store)
        assert files.run(again.size(key)) == len(_WHOLE)

    def test_nothing_is_a_content_as_well(self, files: _Files) -> None:
        """A content without bytes is there."""
        key = files.write()
        assert files.read(key) == b""
        assert files.run(files.store.size(key)) == 0

    def test_large_contents(self, files: _Files) -> None:
        """Contents of any size come in pieces, and no piece is the whole of a large one."""
        if not self.keeps_outside:
            return
        pieces = [bytes([number]) * (1 << 20) for number in range(20)]
        key = files.write(*pieces)
        found, largest, digest = 0, 0, hashlib.sha256()
        for piece in files.pieces(key):
            found, largest = found + len(piece), max(largest, len(piece))
            digest.update(piece)
        assert (found, digest.digest()) == (20 << 20, hashlib.sha256(b"".join(pieces)).digest())
        assert largest <= 16 << 20

    def test_keys_are_apart(self, files: _Files) -> None:
        """Each content has a key of its own, or equal contents share one where the store says so."""
        first, second, third = files.write(b"one"), files.write(b"two"), files.write(b"one")
        assert first != second
        assert (first == third) == files.store.is_shared or not self.keeps_outside
        assert [files.read(key) for key in (first, second, third)] == [b"one", b"two", b"one"]

    def test_a_failed_write_leaves_nothing(self, files: _Files) -> None:
        """An error of the content is passed on, and no key leads to what was written of it."""
        before = files.keys()
        for number in (0, 1, *((3,) if self.keeps_outside else ())):
            with pytest.raises(_Interrupted):
                files.run(files.store.write(_broken(number)))
        assert files.keys() == before

    def test_a_cancelled_write_leaves_nothing(self, files: _Files) -> None:
        """A write that is cancelled leaves no content."""

        async def cancelled() -> None:
            task = asyncio.ensure_future(files.store.write(_endless()))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        before = files.keys()
        files.run(cancelled())
        assert files.keys() == before

    def test_what_is_not_there(self, files: _Files) -> None:
        """Without a content there is no size and nothing to read or delete, whatever the key looks like."""
        for key in _STRANGE:
            assert files.run(_size_or_refusal(files.store, key)) is None, key
            with pytest.raises(HoldallError):
                files.read(key)

    def test_deleted_contents_are_gone(self, files: _Files) -> None:
        """A deleted content is not there any more, and the others are."""
        if not self.keeps_outside:
            return
        first, second = files.write(b"one"), files.write(b"two")
        assert files.run(files.store.delete(first)) is True
        assert files.run(files.store.delete(first)) is False
        with pytest.raises(FileMissing):
            files.read(first)
        assert files.read(second) == b"two"
        assert files.keys() == {second}

    def test_young_contents_stay(self, files: _Files) -> None:
        """Keys are given, and contents deleted, by the moment at which they were written, the last time."""
        if not self.keeps_outside:
            return
        key, past = files.write(b"one"), datetime.now(UTC) - timedelta(hours=1)
        assert files.keys(past) == set()
        assert files.run(files.store.delete(key, past)) is False
        assert files.read(key) == b"one"
        assert files.keys() == {key}
        assert files.run(files.store.sweep(past)) == 0
        assert files.run(files.store.delete(key, _later())) is True

    def test_another_store_may_name_a_content(self, files: _Files) -> None:
        """A content is kept under the key of another file store, which this one stands beside."""
        if not self.keeps_outside:
            return
        key = "0123456789abcdef" * 3
        assert files.run(files.store.write(_given(b"one"), key)) == key
        assert files.run(files.store.write(_given(b"one"), key)) == key
        assert files.read(key) == b"one"
        for strange in _STRANGE[:6]:
            with pytest.raises(HoldallError):
                files.run(files.store.write(_given(b"one"), strange))

    def test_many_at_once(self, files: _Files) -> None:
        """Contents that are written at once do not get into each other."""

        async def written() -> list[str]:
            contents = [bytes([number]) * 70_000 for number in range(20)]
            return list(await asyncio.gather(*[files.store.write(_given(each)) for each in contents]))

        keys = files.run(written())
        assert [files.read(key) for key in keys] == [bytes([number]) * 70_000 for number in range(20)]


class _Files:
    """A file store and the loop that it is used on."""

    def __init__(self, runner: asyncio.Runner, store: FileStore) -> None:
        self._runner = runner
        self.store = store

    def run(self, work: Awaitable[R]) -> R:
        async def awaited() -> R:
            return await work

        return self._runner.run(awaited())

    def write(self, *pieces: bytes) -> str:
        return self.run(self.store.write(_given(*pieces)))

    def pieces(self, key: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        async def read() -> list[bytes]:
            return [piece async for piece in self.store.read(key, start, stop)]

        return self.run(read())

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        return b"".join(self.pieces(key, start, stop))

    def keys(self, before: datetime | None = None) -> set[str]:
        async def listed() -> set[str]:
            return {key async for key in self.store.keys(before or _later())}

        return self.run(listed())


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


async def _given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _broken(number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield bytes(4 << 20) if number > 1 else b"some"
    raise _Interrupted


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(1_000)
        await asyncio.sleep(0.001)


async def _size_or_refusal(store: FileStore, key: str) -> int | None:
    try:
        return await store.size(key)
    except FileMissing:
        return None
