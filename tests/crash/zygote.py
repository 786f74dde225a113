"""Run as a script: everything is imported once, then each line of input is a life, forked, killed and reported.

A fork needs no start of Python. This process itself opens nothing: it has no threads, no connections and no loop.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable

import msgspec

import holdall.stores.sql
import holdall.stores.sql.postgres
import holdall.stores.sql.sqlite
import holdall.stores.yaml  # noqa: F401
from tests.crash.worker import Job, live, meddle

__all__ = ["Death"]

_MOST_SECONDS = 30.0


class Death(msgspec.Struct, frozen=True):
    """How a life ended: by the kill it was meant for, or by itself, with what it said last."""

    is_killed: bool
    said: str = ""


def main() -> None:
    warnings.simplefilter("error")
    decoder = msgspec.json.Decoder(Job)
    for line in sys.stdin.buffer:
        death = _life(decoder.decode(line))
        sys.stdout.buffer.write(msgspec.json.encode(death) + b"\n")
        sys.stdout.buffer.flush()


def _life(job: Job) -> Death:
    child, said = _forked(
        lambda say: live(job, lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os.write(say, b"ready"))
    )
    rival = _forked(lambda say: meddle(job)) if job.has_rival else None
    deadline = time.monotonic() + _MOST_SECONDS
    words = b""
    kill_at = deadline
    while True:
        ready, _, _ = select.select([said], [], [], max(0.0, kill_at - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
            break
        heard = os.read(said, 65_536)
        if not heard:
            break
        words += heard
        if job.delay is not None and words.startswith(b"ready") and kill_at is deadline:
            kill_at = time.monotonic() + job.delay
    os.close(said)
    _, status = os.waitpid(child, 0)
    text = words.removeprefix(b"ready").decode(errors="replace")
    if time.monotonic() > deadline:
        text += f"it took longer than {_MOST_SECONDS} s"
    if rival is not None:
        text += _ended(*rival)
    return Death(os.WIFSIGNALED(status), text)


def _forked(work: Callable[[int], None]) -> tuple[int, int]:
    """A child that does this, and where it can be heard."""
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        _child(work, say)
    os.close(say)
    return child, said


def _ended(rival: int, said: int) -> str:
    """Kill it; what it said before."""
    os.kill(rival, signal.SIGKILL)
    os.waitpid(rival, 0)
    words = os.read(said, 65_536)
    os.close(said)
    return f"the rival ended: {words.decode(errors='replace')}" if words else ""


def _child(work: Callable[[int], None], say: int) -> None:
    code = 1
    try:
        work(say)
        code = 0
    except BaseException:
        os.write(say, traceback.format_exc()[-20_000:].encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
