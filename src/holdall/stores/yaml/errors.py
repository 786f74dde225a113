"""From disk errors to ours: one table; and the two private errors that carry a parser's or a codec's reason upwards."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from holdall.errors import CorruptRecord, HoldallError, StoreError, StoreFull, StoreTimeout, StoreUnavailable

__all__ = ["DISK_ERRORS", "Misfit", "Unreadable", "disk", "from_disk", "uneditable"]


class Unreadable(Exception):
    """A text is not YAML as Holdall reads it; the reason says why and where."""


class Misfit(Exception):
    """A value in a file, or given to be written, is not what its field says; ``path`` names the field."""

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"{path}: {reason}" if path else reason)

    def under(self, name: str) -> Misfit:
        """The same, seen from one level further out."""
        joined = name if not self.path else f"{name}{self.path}" if self.path.startswith("[") else f"{name}.{self.path}"
        return Misfit(self.reason, joined)


def uneditable(store: str, place: str, error: Misfit | Unreadable) -> StoreError:
    """Our error for a file that cannot be changed without changing more than was asked for."""
    return StoreError(store, f"{place} cannot be changed and stays as it was: {error}")


DISK_ERRORS: dict[int, tuple[type[StoreError], str]] = {
    errno.ENOSPC: (StoreFull, "the disk is full; free some space and repeat"),
    errno.EDQUOT: (StoreFull, "the disk quota is used up; free some space and repeat"),
    errno.EFBIG: (StoreFull, "files may not be this large here; raise the bound (ulimit -f) and repeat"),
    errno.EACCES: (StoreError, "no permission on the folder or file; give this user read and write rights"),
    errno.EPERM: (StoreError, "the system does not permit it; check ownership and attributes of the folder"),
    errno.EROFS: (StoreError, "the file system is read-only"),
    errno.ENOENT: (StoreUnavailable, "the folder is not there; create() makes it"),
    errno.ENOTDIR: (StoreError, "a file lies where a folder is expected"),
    errno.EISDIR: (StoreError, "a folder lies where a file is expected"),
    errno.ENAMETOOLONG: (StoreError, "the path is longer than the file system allows"),
    errno.EXDEV: (StoreError, "the folder spans several file systems; keep it on one"),
    errno.EMFILE: (StoreUnavailable, "this process has too many files open; raise the limit or repeat"),
    errno.ENFILE: (StoreUnavailable, "the system has too many files open; repeat"),
    errno.EIO: (StoreUnavailable, "the disk reports an input/output error"),
    errno.ENOMEM: (StoreUnavailable, "the system is out of memory"),
    errno.ENOLCK: (StoreUnavailable, "the file system grants no locks"),
    errno.ESTALE: (StoreUnavailable, "the network file system lost the folder; mount it again"),
    errno.ENODEV: (StoreUnavailable, "the device is gone"),
    errno.EBUSY: (StoreUnavailable, "the folder or file is busy, or was written by hand a moment ago; repeat"),
    errno.EINTR: (StoreUnavailable, "the call was interrupted; repeat"),
    errno.ETIMEDOUT: (StoreTimeout, "the disk did not answer in time"),
}
"""What each disk error is here; an error number not listed is StoreUnavailable."""


def from_disk(store: str, place: str, error: OSError) -> HoldallError:
    """Our error for a disk error at this place, or at the one in it that the error names."""
    if isinstance(error.filename, str) and not place.endswith(error.filename):
        place = error.filename
    if error.errno == errno.ELOOP:
        return CorruptRecord(store, place, "it is a symbolic link; put the file itself there")
    kind, sentence = DISK_ERRORS.get(error.errno or 0, (StoreUnavailable, error.strerror or type(error).__name__))
    return kind(store, f"{place}: {sentence}")


@contextmanager
def disk(store: str, place: str) -> Iterator[None]:
    """Raise disk errors of the block as ours."""
    try:
        yield
    except OSError as error:
        raise from_disk(store, place, error) from error
