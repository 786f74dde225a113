"""Access to a store's folder: one thread of this process at a time, many readers or one writer among processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from holdall.stores.yaml.errors import disk
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import Journal
from holdall.stores.yaml.lock import OWN, Lock
from holdall.stores.yaml.reservations import RESERVED
from holdall.stores.yaml.view import Shelf

__all__ = ["FolderAccess"]


class FolderAccess:
    """Blocks in which the folder may be used. Each raises StoreError for what the disk refuses.

    The first to enter finishes or takes back what a dead writer left behind; ``shelves`` gives the folders that are
    looked through for that.
    """

    def __init__(self, store: str, folder: Folder, lock: Lock, journal: Journal, shelves: Mapping[str, Shelf]) -> None:
        self._store = store
        self._folder = folder
        self._lock = lock
        self._journal = journal
        self._shelves = shelves
        self._guard = threading.Lock()
        self._is_swept = False

    def sweep_again(self) -> None:
        """Have the next writer look for what others left behind, as collections may have been added."""
        self._is_swept = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other thread of this process uses the folder; other processes may."""
        with self._guard, disk(self._store, str(self._folder.root)):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nobody writes."""
        with self._guard, disk(self._store, str(self._folder.root)):
            with self._lock.shared():
                if not self._journal.is_pending:
                    yield
                    return
            with self._lock.exclusive():
                self._recover()
                yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else reads or writes."""
        with self._guard, disk(self._store, str(self._folder.root)), self._lock.exclusive():
            if not self._is_swept or self._journal.is_pending:
                self._recover()
            yield

    def _recover(self) -> None:
        folders = {folder for shelf in self._shelves.values() for folder in shelf.folders}
        self._journal.recover([OWN, RESERVED, *sorted(folders)])
        self._is_swept = True
