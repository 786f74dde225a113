"""The owner of commits: a process, by a name that others can tell dead from slow by, and the commits it has under way.

In other processes the name tells, or else only the lease; in one process, commits under way are known by their ids.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import AbstractContextManager
from functools import cache

from holdall.store.processes import is_known_gone, this_process

__all__ = ["commit_under_way", "is_known_dead", "is_under_way", "this_owner"]

_under_way: Counter[str] = Counter()  # by commit, how many work on it


def this_owner() -> str:
    """The name of this process: at most 64 ASCII characters."""
    return _owner_of(os.getpid())


def commit_under_way(commit: str) -> AbstractContextManager[None]:
    """Within the block, nobody in this process takes the commit for abandoned."""
    return _UnderWay(commit)


class _UnderWay:
    __slots__ = ("_commit",)

    def __init__(self, commit: str) -> None:
        self._commit = commit

    def __enter__(self) -> None:
        this_owner()  # whose first call in a process forgets the commits of its parent
        _under_way[self._commit] += 1

    def __exit__(self, *_: object) -> None:
        _under_way[self._commit] -= 1
        if not _under_way[self._commit]:
            del _under_way[self._commit]


def is_under_way(commit: str) -> bool:
    """Whether this process works on the commit now."""
    return commit in _under_way


def is_known_dead(owner: str, commit: str) -> bool | None:
    """Whether nobody can be working on the commit any more; None where that cannot be known."""
    if owner == this_owner():
        return not is_under_way(commit)
    return True if owner and is_known_gone(owner) else None


@cache
def _owner_of(pid: int) -> str:
    _under_way.clear()  # in a forked child: what its parent works on
    return this_process()
