"""The store's folder: reading, listing and replacing its files, without ever following a symbolic link inside it.

Places are ``name`` or ``folder/name`` relative to the root, a folder in a folder included. They come from ``names`` and
are never taken from outside.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from holdall.stores.yaml.attributes import copy_attributes
from holdall.stores.yaml.errors import Unreadable

__all__ = ["Facts", "Folder", "Signature", "signature_of"]

_SETTLED = 50_000_000  # ns: file systems stamp times in steps of up to some ms; younger stamps may hide an edit
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


Facts = tuple[int, int, int, int]
"""What tells one state of a file from another."""


class Signature(msgspec.Struct, frozen=True):
    """The marks of one state of a file; ``is_settled`` if a later edit cannot have the same."""

    facts: Facts
    is_settled: bool

    def covers(self, status: os.stat_result) -> bool:
        """Whether the file is surely still as it was."""
        return self.is_settled and self.facts == _facts(status)


def _facts(status: os.stat_result) -> Facts:
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _facts_of(name: str, directory: int) -> Facts | None:
    try:
        return _facts(os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return None


def signature_of(status: os.stat_result) -> Signature:
    """The signature of a file or folder whose status was taken just now, before reading it."""
    return Signature(_facts(status), time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED)


class Folder:
    """The root folder of a store. Methods raise OSError as it comes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def opened(self, folder: str = "") -> Iterator[int]:
        """A descriptor of the root, or of a folder in it that is no symbolic link."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for inner in folder.split("/") if folder else ():
                outer, descriptor = descriptor, _inner(inner, descriptor)
                os.close(outer)
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, place: str, maximum: int) -> tuple[bytes, Signature]:
        """The bytes of a file and its signature. Raises Unreadable if it is larger or no plain file, and OSError."""
        folder, name = _split(place)
        with self.opened(folder) as directory:
            for _ in range(5):
                descriptor = os.open(name, _READ, dir_fd=directory)
                try:
                    raw, before, after = _content(descriptor, maximum)
                finally:
                    os.close(descriptor)
                if _facts(before) == _facts(after):
                    break  # nobody wrote while it was read
            return raw, signature_of(after)

    def status(self, place: str) -> os.stat_result:
        """The status of a file or folder, links not followed."""
        folder, name = _split(place)
        if not folder:
            return os.lstat(self.root / name)
        with self.opened(folder) as directory:
            return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def entries(self, folder: str) -> list[tuple[str, os.stat_result]]:
        """The names in a folder and their statuses; none if the folder is not there."""
        try:
            with self.opened(folder) as directory, os.scandir(directory) as entries:
                found = []
                for entry in entries:
                    try:
                        found.append((entry.name, entry.stat(follow_symlinks=False)))
                    except FileNotFoundError:
                        continue  # removed meanwhile
                return found
        except FileNotFoundError:
            os.stat(self.root)
            return []

    def exists(self, place: str) -> bool:
        """Whether something lies at this place."""
        try:
            self.status(place)
        except FileNotFoundError:
            return False
        return True

    def facts(self, folder: str, names: Sequence[str]) -> list[Facts | None]:
        """The marks of what has these names in a folder; None for nothing."""
        with self.opened(folder) as directory:
            return [_facts_of(name, directory) for name in names]

    def is_folder(self, place: str) -> bool:
        """Whether a folder lies at this place."""
        try:
            return stat.S_ISDIR(self.status(place).st_mode)
        except FileNotFoundError:
            return False

    def write_new(self, place: str, content: bytes, like: str = "") -> int:
        """Write a file that was not there and give its open descriptor, for ``fsync`` and ``close``.

        The new file gets the mode, the owner and the other attributes of the file ``like`` in the same folder, if that
        is there.
        """
        folder, name = _split(place)
        with self.opened(folder) as directory, _model(_split(like)[1], directory) as model:
            descriptor = os.open(name, _WRITE, 0o666 if model is None else 0o600, dir_fd=directory)
            try:
                _write(descriptor, content)
                if model is not None:
                    copy_attributes(model, descriptor)
            except OSError:
                os.close(descriptor)
                raise
        return descriptor

    def is_linked(self, place: str) -> bool:
        """Whether the file at this place has further names, hard links."""
        try:
            status = self.status(place)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_nlink > 1

    def overwrite(self, source: str, target: str) -> None:
        """Give a file that has further names the content of another, durably, and remove that one."""
        folder, name = _split(target)
        content, _ = self.read(source, sys.maxsize)
        with self.opened(folder) as directory:
            descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            _write(descriptor, content)
            os.ftruncate(descriptor, len(content))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.remove(source)

    def rename(self, source: str, target: str) -> None:
        """Move a file over another in the same folder."""
        folder, name = _split(source)
        _, new_name = _split(target)
        with self.opened(folder) as directory:
            os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=directory)

    def remove(self, place: str) -> None:
        """Remove a file; it may be gone already."""
        folder, name = _split(place)
        try:
            with self.opened(folder) as directory:
                os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            return

    def make(self, folder: str) -> bool:
        """Create a folder in the root, or in a folder that is there, durably; says whether it was missing."""
        outer, name = _split(folder)
        with self.opened(outer) as directory:
            try:
                os.mkdir(name, dir_fd=directory)
            except FileExistsError:
                return False
            os.fsync(directory)
        return True

    def sync(self, folder: str) -> None:
        """Make a folder's names durable."""
        with self.opened(folder) as directory:
            os.fsync(directory)


@contextmanager
def _model(name: str, directory: int) -> Iterator[int | None]:
    """A descriptor of a file; None if there is no name, or no such file."""
    try:
        descriptor = os.open(name, _READ, dir_fd=directory) if name else None
    except FileNotFoundError:
        descriptor = None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _content(descriptor: int, maximum: int) -> tuple[bytes, os.stat_result, os.stat_result]:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise Unreadable("it is not a plain file")
    pieces, size = [], 0
    while size <= maximum and (piece := os.read(descriptor, min(maximum + 1 - size, 2**20))):
        pieces.append(piece)
        size += len(piece)
    if size > maximum:
        raise Unreadable(f"it is larger than {maximum} bytes; split it or raise the store's limit")
    return b"".join(pieces), before, os.fstat(descriptor)


def _inner(folder: str, outer: int) -> int:
    try:
        return os.open(folder, _LIST, dir_fd=outer)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(folder, dir_fd=outer, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder) from None
        raise


def _split(place: str) -> tuple[str, str]:
    folder, _, name = place.rpartition("/")
    return folder, name
