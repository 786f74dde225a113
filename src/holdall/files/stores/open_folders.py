"""The folders of one file store, held open: each reached from the one above, so that no link leads out of the store.

A folder that is held is used again only while its path still leads to it: others may remove, move or replace folders.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["INCOMING", "NoFolder", "OpenFolder", "OpenFolders"]

INCOMING = ".incoming"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DIGITS = "0123456789abcdef"
_MOST = 64  # that are held


class NoFolder(OSError):
    """Something else lies in the place of the root, so that nobody can tell which contents there are."""

    def __init__(self) -> None:
        super().__init__(0, "a link or a file lies in its place; put the folder back, or start this program anew")


class OpenFolder:
    """An open folder, closed once nobody holds it any more; ``with`` gives its descriptor.

    Example: :class:`OpenFolders`.
    """

    __slots__ = ("_identity", "_number")

    def __init__(self, number: int) -> None:
        self._number = number
        self._identity = _identity(os.fstat(number))

    def __enter__(self) -> int:
        return self._number

    def __exit__(self, *_: object) -> None:
        """Leave it open for those who hold it."""

    def __del__(self) -> None:
        os.close(self._number)

    def lies_at(self, path: str) -> bool:
        """Whether the path leads to it. No other folder has its number while it is open."""
        try:
            return _identity(os.stat(path, follow_symlinks=False)) == self._identity
        except OSError:
            return False


class OpenFolders:
    """The folders of one file store below its root; ``is_made`` if one that is not there is made, durably.

    Folders on other machines are opened each time: their paths may lead, for some seconds, to former ones.

    Example: :class:`Folder`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = str(root)
        self._held: dict[str, OpenFolder] = {}  # by their places below the root
        self._durable: set[str] = set()  # the places of those that are known to be there, durably
        self.is_near: bool | None = None

    def root(self, *, is_made: bool = False) -> OpenFolder:
        """Open the root. Raises NoFolder where something else is there."""
        try:
            root = OpenFolder(os.open(self._path, _DIRECTORY))
        except NotADirectoryError as error:
            raise NoFolder from error
        except FileNotFoundError:
            if not is_made:
                raise
            self._durable.clear()
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(self._root.parent)
            root = OpenFolder(os.open(self._path, _DIRECTORY))
        if self.is_near is None:
            with root as number:
                self.is_near = os.major(os.fstat(number).st_dev) != 0
        return root

    def incoming(self, *, is_made: bool = False) -> OpenFolder:
        """Open the folder of new files that are not yet contents."""
        return self._known(INCOMING, is_made=is_made) or self._held_from_now(
            INCOMING, self._opened(self.root(is_made=is_made), INCOMING, INCOMING, is_made=is_made)
        )

    def level(self, key: str, *, is_made: bool = False) -> OpenFolder:
        """Open the folder of the content with this key."""
        first, second = key[:2], key[2:3]
        place = f"{first}/{second}"
        if (known := self._known(place, is_made=is_made)) is not None:
            return known
        beside = [first[0] + each for each in _DIGITS]
        outer = self._opened(self.root(is_made=is_made), first, first, is_made=is_made, beside=beside)
        return self._held_from_now(place, self._opened(outer, second, place, is_made=is_made, beside=_DIGITS))

    def close(self) -> None:
        """Hold no folder any more."""
        self._held.clear()

    def _known(self, place: str, *, is_made: bool) -> OpenFolder | None:
        held = self._held.get(place)
        if held is None or (is_made and place not in self._durable):
            return None
        if held.lies_at(f"{self._path}/{place}"):
            return held
        self._held.clear()
        self._durable.clear()  # others may have come into the places of all of them
        return None

    def _held_from_now(self, place: str, folder: OpenFolder) -> OpenFolder:
        if self.is_near:
            if len(self._held) >= _MOST:
                self._held.clear()
            self._held[place] = folder
        return folder

    def _opened(
        self, parent: OpenFolder, name: str, place: str, *, is_made: bool, beside: Sequence[str] = ""
    ) -> OpenFolder:
        """Open a folder below another; one that is made is durable, with those that are made ``beside`` it."""
        with parent as above:
            if is_made and place not in self._durable:
                for each in beside or (name,):
                    with suppress(FileExistsError):
                        os.mkdir(each, 0o700, dir_fd=above)
                os.fsync(above)
                self._durable |= {place.removesuffix(name) + each for each in beside or (name,)}
            try:
                return OpenFolder(os.open(name, _DIRECTORY, dir_fd=above))
            except FileNotFoundError:
                if not is_made or place not in self._durable:
                    raise
        self._durable.discard(place)  # somebody has removed it meanwhile
        return self._opened(parent, name, place, is_made=is_made, beside=beside)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
