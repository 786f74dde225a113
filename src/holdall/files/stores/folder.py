"""A folder as the local file store sees it: reached by descriptors, so that no link leads out of it.

All of this blocks, and runs in threads. Contents lie two levels down, named by their keys: ``ab/c/abcd…``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from holdall.files.keys import new_key
from holdall.files.stores.open_folders import OpenFolders
from holdall.files.stores.syncing import Syncing

__all__ = ["Folder", "is_absent"]

_CONTENT = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LEVEL = re.compile(r"[0-9a-f]{1,2}")
_PART = 4_096  # contents that go to the sixteen folders below an outer one, before another one gets some
_LOCK = ".lock"
_ABSENT = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)


def is_absent(error: OSError) -> bool:
    """Whether an error of opening a content says that there is none, and not that nobody can tell.

    >>> is_absent(FileNotFoundError(errno.ENOENT, "no such file")), is_absent(OSError(errno.EMFILE, "too many open"))
    (True, False)
    """
    return error.errno in _ABSENT


class Folder:
    """The folder of one file store; made when something is first written.

    Example: :class:`LocalFiles`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open = OpenFolders(root)
        self._syncing = Syncing()
        self._filled, self._room = "", 0  # the outer folder that gets new contents, and how many more

    @property
    def is_near(self) -> bool:
        """Whether the folder is known to lie on a disk of this machine, where opening a file takes little time.

        File systems of networks, and those of programs, have no device of their own, and so no major number.
        """
        return bool(self._open.is_near)

    def new_key(self) -> str:
        """Make a key that nobody knows yet, of a content that is to lie beside those made before.

        Folders are made durable with a sync of their own: a program makes those below another one only when these have
        got their part.
        """
        key = new_key()
        if self._room <= 0:  # of several threads, each may take one
            self._filled, self._room = key[:2], _PART
        self._room -= 1
        return self._filled + key[2:]

    def begin(self, name: str) -> int:
        """Open a new file that is not yet a content, under a name of its own."""
        with self._open.incoming(is_made=True) as incoming:
            return os.open(name, _NEW, 0o600, dir_fd=incoming)

    def publish(self, key: str, opened: int) -> None:
        """Make a new file the content with the key that is its name, which nobody knows yet, durably.

        The file is moved first, then synced at the same time as its folder. Where that is cut off, the content may be
        torn, and nobody refers to it.
        """
        with self._open.incoming(is_made=True) as incoming, self._open.level(key, is_made=True) as level:
            os.rename(key, key, src_dir_fd=incoming, dst_dir_fd=level)
            self._syncing.both(opened, level)

    def replace(self, name: str, key: str, opened: int) -> None:
        """Make a new file the content with a key that may have one already, durably, and at no moment less than whole.

        Nobody deletes the content meanwhile, and it is young again.
        """
        os.fsync(opened)
        made = self._open
        with self._shared(), made.incoming(is_made=True) as incoming, made.level(key, is_made=True) as level:
            os.rename(name, key, src_dir_fd=incoming, dst_dir_fd=level)
            os.fsync(level)

    def abandon(self, name: str) -> None:
        """Remove a new file, where it is still there."""
        with suppress(OSError), self._open.incoming() as incoming:  # a sweep removes it where this cannot
            os.unlink(name, dir_fd=incoming)

    def open(self, key: str) -> int:
        """Open a content. Raises OSError for what is none, a link among others."""
        with self._open.level(key) as level:
            found = os.open(key, _CONTENT, dir_fd=level)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise FileNotFoundError(errno.ENOENT, "it is no regular file")
        return found

    def size(self, key: str) -> int | None:
        """The size of a content in bytes; None for what is none."""
        try:
            opened = self.open(key)
        except OSError as error:
            if is_absent(error):
                return None
            raise
        try:
            return os.fstat(opened).st_size
        finally:
            os.close(opened)

    def delete(self, key: str, before: float | None) -> bool:
        """Remove a content, unless it was written at that second or later, which nobody does meanwhile."""
        lock = nullcontext() if before is None else self._alone()
        with suppress(FileNotFoundError, NotADirectoryError), lock, self._open.level(key) as level:
            if before is not None and os.stat(key, dir_fd=level, follow_symlinks=False).st_mtime >= before:
                return False
            os.unlink(key, dir_fd=level)
            return True
        return False

    def keys(self, before: float) -> Iterator[list[str]]:
        """The keys of contents that were written before that second, folder by folder."""
        try:
            self._open.root()  # which refuses a link in its place, as all others do
        except FileNotFoundError:
            return
        for first in self._folders(self.root):
            for second in self._folders(self.root / first):
                yield self._keys_in(first, second, before)

    def sweep(self, before: float) -> int:
        """Remove new files that were last written before that second; return how many."""
        count = 0
        with suppress(FileNotFoundError), self._open.incoming() as incoming:
            for name in os.listdir(incoming):
                with suppress(FileNotFoundError):
                    if os.stat(name, dir_fd=incoming, follow_symlinks=False).st_mtime < before:
                        os.unlink(name, dir_fd=incoming)
                        count += 1
        return count

    def close(self) -> None:
        """Hold no folder any more."""
        self._open.close()

    # --- folders ------------------------------------------------------------------------------------------------------

    @staticmethod
    def _folders(path: Path) -> list[str]:
        try:
            with os.scandir(path) as found:
                return sorted(
                    each.name for each in found if _LEVEL.fullmatch(each.name) and each.is_dir(follow_symlinks=False)
                )
        except FileNotFoundError:
            return []

    def _keys_in(self, first: str, second: str, before: float) -> list[str]:
        found = list[str]()
        with suppress(FileNotFoundError), os.scandir(self.root / first / second) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    is_content = entry.name[:3] == first + second and entry.is_file(follow_symlinks=False)
                    if is_content and entry.stat(follow_symlinks=False).st_mtime < before:
                        found.append(entry.name)
        return found

    # --- locks --------------------------------------------------------------------------------------------------------

    def _shared(self) -> AbstractContextManager[None]:
        return self._locked(fcntl.LOCK_SH)

    def _alone(self) -> AbstractContextManager[None]:
        return self._locked(fcntl.LOCK_EX)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Keep those who delete apart from those who write the same content again."""
        with self._open.root(is_made=how == fcntl.LOCK_SH) as root:
            lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=root)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # a child that was forked meanwhile has the lock open, too
            os.close(lock)
