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

import msgspec

import holdall.stores.sql
import holdall.stores.sql.postgres
import holdall.stores.sql.sqlite
import holdall.stores.yaml  # noqa: F401
from tests.crash.worker import Job, live

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
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        _child(job, say)
    os.close(say)
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
    return Death(os.WIFSIGNALED(status), text)


def _child(job: Job, say: int) -> None:
    code = 1
    try:
        live(job, lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os.write(say, b"ready"))
        code = 0
    except BaseException:
        os.write(say, traceback.format_exc()[-20_000:].encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
