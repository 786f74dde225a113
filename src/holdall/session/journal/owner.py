"""Who commits: a name for this process that others can tell dead from slow.

On Linux the name holds the boot id, the PID namespace, the PID and when the process began, so that every process of the
same boot and namespace knows at once that an owner is gone; elsewhere only the lease tells. A forked child has another
name than its parent. In one process, commits under way are known by their ids.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from uuid import uuid4

__all__ = ["commit_under_way", "is_known_dead", "is_under_way", "this_owner"]

_under_way: set[str] = set()
_ENDED = ("Z", "X")  # states of a process that has ended and was not waited for


def this_owner() -> str:
    """The name of this process: at most 64 ASCII characters."""
    return _owner_of(os.getpid())


@contextmanager
def commit_under_way(commit: str) -> Iterator[None]:
    """Within the block, nobody in this process takes the commit for abandoned."""
    _under_way.add(commit)
    try:
        yield
    finally:
        _under_way.discard(commit)


def is_under_way(commit: str) -> bool:
    """Whether this process works on the commit now."""
    return commit in _under_way


def is_known_dead(owner: str, commit: str) -> bool:
    """Whether nobody can be working on the commit any more; False where that cannot be known."""
    if owner == this_owner():
        return not is_under_way(commit)
    parts = owner.split(".")
    if len(parts) != 4 or parts[:2] != this_owner().split(".")[:2] or parts[0] == "-":
        return False
    return not _lives(int(parts[2]), parts[3])


@cache
def _owner_of(pid: int) -> str:
    _under_way.clear()  # in a forked child: what its parent works on
    began = _status(pid)[1]
    if not began:
        return f"-.-.{pid}.{uuid4().hex[:12]}"
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip().replace("-", "")[:16]
    namespace = os.stat("/proc/self/ns/pid").st_ino
    return f"{boot}.{namespace}.{pid}.{began}"


def _lives(pid: int, began: str) -> bool:
    """Whether the process that began then may still run."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, and perhaps not to be looked at
    state, found = _status(pid)
    return state not in _ENDED and found in (began, "")


def _status(pid: int) -> tuple[str, str]:
    """The state of a process, and when it began, in ticks since the boot; empty where nobody tells."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[0], fields[19]
