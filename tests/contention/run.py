"""One arena under contention: processes of writers, then an audit; all by way of scripts on a Holdall of choice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tests.contention.log import ACKNOWLEDGED, Log, Told
from tests.contention.models import Arena
from tests.contention.worker import Job, Seen
from tests.support.preloaded import PreloadedProcess
from tests.support.sources import HOUSE

__all__ = ["Measure", "Trial", "contend", "finished", "started"]

_LIMIT_SECONDS = 120.0
_SAMPLES = 2
Process = PreloadedProcess | subprocess.Popen[bytes]


class Measure(msgspec.Struct, frozen=True):
    """How much is tried at once: ``seconds`` long, after all are ready."""

    processes: int = 4
    tasks: int = 4
    seconds: float = 15.0
    singles: float = 0.0
    cancels: float = 0.0


class Trial(msgspec.Struct):
    """What came of one arena. ``ends`` counts commits by how they ended, ``aborted`` by what refused them.

    ``mute`` are aborted commits that do not say what was in the way; ``slowest`` and ``slowest_move`` in seconds, the
    latter with all tries.
    """

    kinds: tuple[str, ...]
    variant: str
    acknowledged: int
    rate: float
    ends: dict[str, int]
    aborted: dict[str, int]
    samples: dict[str, list[str]]
    mute: int
    slowest: float
    slowest_move: float
    seen: Seen
    trouble: list[str] = []

    @property
    def is_clean(self) -> bool:
        """Whether everything holds that must."""
        return self.seen.is_clean and not self.mute and not self.trouble and self.acknowledged > 0


def contend(arena: Arena, measure: Measure, source: str | None = None, environment: Mapping[str, str] = {}) -> Trial:
    """Set the arena up, let all write it, and look; ``source`` is the folder of another Holdall."""
    variables = {**os.environ, **environment}
    if source is not None:
        variables["PYTHONPATH"] = source
    trouble = finished(started(Job("begin", arena), variables))
    if trouble:
        raise RuntimeError(trouble[0])
    logs = [Path(arena.folder) / f"w{number}.log" for number in range(measure.processes)]
    shares = measure.singles, measure.cancels
    jobs = [Job("write", arena, str(log), measure.seconds, measure.tasks, *shares) for log in logs]
    writers = [started(job, variables) for job in jobs]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    began = Log.now()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        trouble += finished(writer, measure.seconds + _LIMIT_SECONDS)
    looker = started(Job("look", arena), variables)
    said, complaint = looker.communicate(timeout=_LIMIT_SECONDS)
    if looker.returncode:
        raise RuntimeError(complaint.decode(errors="replace"))
    return _trial(arena, measure, Told.of(logs), began, msgspec.json.decode(said, type=Seen), trouble)


def started(job: Job, variables: Mapping[str, str]) -> Process:
    """A process that does this; ``variables`` are its whole environment."""
    words, pipe = ("-m", "tests.contention.worker"), subprocess.PIPE
    process: Process
    if variables.get("PYTHONPATH") == os.environ.get("PYTHONPATH"):
        process = PreloadedProcess(*words, environment=variables, stdin=pipe, stdout=pipe, stderr=pipe)
    else:  # on another Holdall
        command = [sys.executable, *words]
        process = subprocess.Popen(command, cwd=HOUSE, env=dict(variables), stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(job) + b"\n")
    process.stdin.flush()
    return process


def finished(process: Process, limit: float = _LIMIT_SECONDS) -> list[str]:
    """Wait for its end; what it complained of, if anything."""
    try:
        _, complaint = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return [f"a process took longer than {limit} seconds"]
    return [complaint.decode(errors="replace")[-2_000:]] if process.returncode else []


def _trial(arena: Arena, measure: Measure, told: Told, began: float, seen: Seen, trouble: list[str]) -> Trial:
    ended = list(told.ended.values())
    within = [item for item in ended if item.end in ACKNOWLEDGED and item.at <= began + measure.seconds]
    aborted = [item for item in ended if item.end in ("CommitAborted", "unread")]
    samples: dict[str, dict[str, None]] = {}
    for item in ended:
        if item.end != "done":
            known = samples.setdefault(f"{item.end} {item.cause}", {})
            if len(known) < _SAMPLES:
                known[item.says] = None
    return Trial(
        kinds=arena.kinds,
        variant=arena.variant,
        acknowledged=sum(item.end in ACKNOWLEDGED for item in ended),
        rate=round(len(within) / measure.seconds, 1),
        ends=dict(Counter(item.end for item in ended).most_common()),
        aborted=dict(Counter(item.cause for item in aborted).most_common()),
        samples={name: list(known) for name, known in samples.items()},
        mute=sum(item.cause in ("", "TimeoutError", "CancelledError") for item in aborted),
        slowest=round(max((item.seconds for item in ended), default=0.0), 3),
        slowest_move=round(max((item.move for item in ended if item.end in ACKNOWLEDGED), default=0.0), 3),
        seen=seen,
        trouble=trouble,
    )
