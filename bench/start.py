"""Rows for the start of a program: what imports of Holdall cost beyond an interpreter that imports nothing."""

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
    """The package, what declares models, and an application; raw are the two packages that none can do without."""
    here = Path(sys.executable)

    def row(name: str, statement: str) -> Row:
        return Row(
            f"start/{name}",
            "ms CPU",
            lambda: _beyond_bare(here, "import asyncio, msgspec"),
            lambda: _beyond_bare(here, statement),
            {"sqlalchemy orm": lambda: _beyond_bare(peers_python(), "import sqlalchemy.orm")},
            turns=2 if arena.is_quick else 8,
        )

    return [
        row("import", "import holdall"),
        row("models", "from holdall import Model, Ref, field"),
        row("application", "from holdall import Holdall, Model, Ref, field"),
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
