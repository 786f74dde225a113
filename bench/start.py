"""One row for the start of a program: what ``import holdall`` costs beyond an interpreter that imports nothing."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from bench.arena import Arena
from bench.environment import peers_python
from bench.process import Failure
from bench.run import Row

_MILLISECONDS = 1e3
_COMPILED = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the first turn compiles, the others find it done


def rows(arena: Arena) -> list[Row]:
    """One row; raw are the two packages that Holdall cannot do without, and the peer's half is our bound."""
    here = Path(sys.executable)
    return [
        Row(
            "start/import",
            "ms CPU",
            lambda: _beyond_bare(here, "import asyncio, msgspec"),
            lambda: _beyond_bare(here, "import holdall"),
            {"sqlalchemy orm": lambda: _beyond_bare(peers_python(), "import sqlalchemy.orm")},
            turns=2 if arena.is_quick else 8,
        )
    ]


def _beyond_bare(python: Path, statement: str) -> float:
    return (cpu_seconds(python, statement) - cpu_seconds(python, "pass")) * _MILLISECONDS


def cpu_seconds(python: Path, statement: str) -> float:
    """The CPU time, in seconds, of an interpreter that runs this. Raises Failure if the statement fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if subprocess.run([str(python), "-c", statement], env=_COMPILED, check=False).returncode:
        raise Failure(f"{statement!r} fails")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
