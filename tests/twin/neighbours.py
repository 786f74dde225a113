"""Others who write collections of their own in the same stores while the twins live, and must not be noticed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contention.models import Arena
from tests.contention.run import finished, started
from tests.contention.worker import Job, Seen, look

__all__ = ["living"]

_LONGEST = 3_600.0  # seconds
_SINGLES = 0.3  # the share of commits that write one store only


@contextmanager
def living(arena: Arena, number: int) -> Iterator[list[Seen]]:
    """So many processes that write the arena until the block ends; then the list holds what is there."""
    seen: list[Seen] = []
    variables = dict(os.environ)
    assert finished(started(Job("begin", arena), variables)) == []
    logs = [Path(arena.folder) / f"neighbour{place}.log" for place in range(number)]
    writers = [started(Job("write", arena, str(log), _LONGEST, 1, _SINGLES), variables) for log in logs]
    try:
        for writer in writers:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdout.readline()
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
        yield seen
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGTERM)
        complaints = [complaint for writer in writers for complaint in finished(writer)]
    assert complaints == []
    seen.append(asyncio.run(look(arena, logs)))
