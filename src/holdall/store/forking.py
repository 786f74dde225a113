"""Forks: threads, connections and locks do not survive one. Objects that own such things register here how they go on
in the child.

``os.fork`` runs the hooks, and with it ``multiprocessing`` by fork and servers that load a program before they fork.
Starting another program, as ``subprocess`` does, runs none.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["AnewInChild", "Forkable", "keep_for_ever", "watch_forks"]


class Forkable(Protocol):
    """Something that has to know of forks. None of its methods may raise. Example: :class:`AnewInChild`."""

    def before_fork(self) -> None:
        """Come to rest, if that takes no more than a moment: another thread may be at work."""
        ...

    def after_fork_in_parent(self) -> None:
        """Go on as before."""
        ...

    def after_fork_in_child(self) -> None:
        """Begin anew. No other thread lives here; what it held at the fork is held for ever."""
        ...


class AnewInChild:
    """An object that no fork has to wait for, as only the child has to begin anew; its connections stay its parent's.

    They are kept for ever in the child: to close one would say goodbye to the server in the parent's name, and take the
    socket out of the selector that both share.

    >>> class Counter(AnewInChild):
    ...     count = 3
    ...     def after_fork_in_child(self) -> None:
    ...         self.count = 0
    >>> counter = Counter()
    >>> watch_forks(counter)
    """

    def before_fork(self) -> None:
        """Go on."""

    def after_fork_in_parent(self) -> None:
        """Go on."""


_watched: WeakSet[Forkable] = WeakSet()
_forking: list[Forkable] = []


def watch_forks(item: Forkable) -> None:
    """Tell this of every fork from now on, as long as it lives. Example: :class:`AnewInChild`."""
    _watched.add(item)


def keep_for_ever(item: object) -> None:
    """Never let go of this, at the end of the interpreter neither: to free it would act on the parent's things.

    Example: :class:`AnewInChild`.
    """
    import ctypes  # only a child has use for it

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))


def _before() -> None:
    _forking[:] = list(_watched)
    for item in _forking:
        item.before_fork()


def _after_in_parent() -> None:
    for item in _forking:
        item.after_fork_in_parent()
    _forking.clear()


def _after_in_child() -> None:
    for item in _forking:
        item.after_fork_in_child()
    _forking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
