"""Resources that are being opened: each once, also when several tasks touch it, and no circle of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar

from holdall.errors import StateError

__all__ = ["Openings"]

_current: ContextVar[tuple[Openings, str] | None] = ContextVar("holdall_opening_resource", default=None)


class Openings:
    """The resources of a context that are being opened, and which of them wait for which.

    >>> openings = Openings()
    >>> with openings.begun("pool"), openings.awaited("pool"):
    ...     pass
    Traceback (most recent call last):
    holdall.errors.StateError: resources need each other in a circle: pool -> pool
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._ends: dict[str, Future[None]] = {}
        self._needs: dict[str, list[str]] = {}

    def find(self, name: str) -> Future[None] | None:
        """The end of an opening under way; None where the caller is the one to open it. The lock is held."""
        end = self._ends.get(name)
        if end is None:
            self._ends[name], self._needs[name] = Future(), []
        return end

    @contextmanager
    def begun(self, name: str) -> Iterator[None]:
        """Within the block the resource is being opened, and what is touched is needed by it."""
        self._ends.setdefault(name, Future())
        self._needs.setdefault(name, [])
        with self.awaited(name):
            token = _current.set((self, name))
            try:
                yield
            finally:
                _current.reset(token)
                with self.lock:
                    end = self._ends.pop(name)
                    del self._needs[name]
                end.set_result(None)  # whoever waits looks again, and opens it if this failed

    @contextmanager
    def awaited(self, name: str) -> Iterator[None]:
        """Within the block the resource that is being opened here, if any, waits for this one.

        Raises StateError where that one waits for it.
        """
        current = _current.get()
        if current is None or current[0] is not self:
            yield
            return
        outer = current[1]
        with self.lock:
            path = self._path(name, outer)
            needs = self._needs.get(outer, [])
            needs.append(name)
        try:
            if path is not None:
                raise StateError(f"resources need each other in a circle: {' -> '.join([outer, *path])}")
            yield
        finally:
            with self.lock:
                needs.remove(name)

    def _path(self, start: str, end: str) -> list[str] | None:
        """How one leads to another by what they wait for; None where it does not."""
        if start == end:
            return [end]
        for name in self._needs.get(start, ()):
            path = self._path(name, end)
            if path is not None:
                return [start, *path]
        return None
