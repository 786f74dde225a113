"""ObjectId keys as MongoDB's drivers make them: the second, five bytes of this process, a counter of three."""

from __future__ import annotations

import os
import threading
import time

__all__ = ["new_object_id"]

_lock = threading.Lock()
_process, _own, _count = -1, b"", 0


def new_object_id() -> str:
    """A new ObjectId as 24 hexadecimal digits, different from every other one; later ones are larger, by the second."""
    global _process, _own, _count
    with _lock:
        if _process != os.getpid():  # a child of this process makes others
            _process, _own, _count = os.getpid(), os.urandom(5), int.from_bytes(os.urandom(3), "big")
        _count = (_count + 1) & 0xFFFFFF
        made = (int(time.time()) & 0xFFFFFFFF).to_bytes(4, "big") + _own + _count.to_bytes(3, "big")
    return made.hex()


def _begin_anew() -> None:
    global _lock  # another thread may have held it when the process forked
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
