"""Processes by name, so that others can tell dead from slow.

On Linux the name holds the boot id, the PID namespace, the PID and when the process began, so that every process of the
same boot and namespace knows at once that another one is gone; elsewhere nobody can tell. A forked child has another
name than its parent.
"""

from __future__ import annotations

import os
from functools import cache
from uuid import uuid4

__all__ = ["is_known_gone", "this_process"]

_ENDED = ("Z", "X")  # states of a process that has ended and was not waited for


def this_process() -> str:
    """The name of this process: at most 64 ASCII characters."""
    return _name_of(os.getpid())


def is_known_gone(name: str) -> bool:
    """Whether the process of this name has ended; False where that cannot be known."""
    parts = name.split(".")
    if len(parts) != 4 or parts[:2] != this_process().split(".")[:2] or parts[0] == "-":
        return False
    return not _lives(int(parts[2]), parts[3])


@cache
def _name_of(pid: int) -> str:
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
