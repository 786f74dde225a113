"""Children of a process that has imported everything and opened nothing: a fork needs no start of Python."""

from __future__ import annotations

import os
import select
import signal
import time
import traceback
from collections.abc import Callable

__all__ = ["Child"]

_READY = b"ready"


class Child:
    """A fork that does ``work``; it is given what says that it is ready."""

    def __init__(self, work: Callable[[Callable[[], None]], None]) -> None:
        self._said, say = os.pipe()
        self._words = b""
        self._status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._said)
            _work(work, say)
        os.close(say)

    def await_ready(self, seconds: float) -> bool:
        """Wait until it is ready; False where it ended before, or time did."""
        deadline = time.monotonic() + seconds
        while _READY not in self._words:
            if not self._hear(deadline):
                return False
        return True

    def await_end(self, seconds: float) -> bool:
        """Wait until it has ended by itself; False where time did. It must be reaped in any case."""
        deadline = time.monotonic() + seconds
        while self._hear(deadline):
            pass
        return time.monotonic() < deadline

    def has_ended(self) -> bool:
        """Whether it is over; it must be reaped in any case."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal, unless it is over."""
        if not self.has_ended():
            os.kill(self.pid, number)

    def reap(self) -> tuple[bool, str]:
        """Whether a signal was its end, and what it said before."""
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
        while self._hear(time.monotonic() + 0.1):
            pass
        os.close(self._said)
        return os.WIFSIGNALED(self._status), self._words.removeprefix(_READY).decode(errors="replace")

    def _hear(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._said], [], [], max(0.0, deadline - time.monotonic()))
        heard = os.read(self._said, 65_536) if ready else b""
        self._words += heard
        return bool(heard)


def _say(say: int) -> None:
    os.write(say, _READY)


def _work(work: Callable[[Callable[[], None]], None], say: int) -> None:
    code = 1
    try:
        work(lambda: _say(say))
        code = 0
    except BaseException:
        os.write(say, traceback.format_exc()[-8_000:].encode())
    finally:
        os._exit(code)
