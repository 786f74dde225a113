"""UUIDv7 keys (RFC 9562, section 5.7): ordered by the millisecond they were made in, and within it by a counter."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

__all__ = ["uuid7", "uuid7_hex"]

_lock = threading.Lock()
_last = 0
_COUNTER_BITS = 12


def uuid7() -> UUID:
    """A new UUIDv7, larger than every one this process made before."""
    return UUID(int=_number())


def uuid7_hex() -> str:
    """The 32 digits of a new UUIDv7."""
    return f"{_number():032x}"


def _number() -> int:
    global _last
    with _lock:
        now = (time.time_ns() // 1_000_000) << _COUNTER_BITS
        _last = max(now, _last + 1)
        stamp, counter = _last >> _COUNTER_BITS, _last & 0xFFF
    tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return (stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail


def _begin_anew() -> None:
    global _lock  # another thread may have held it when the process forked
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
