"""What ``holdall inspect`` writes for the data of others: kept in a folder, type-checked, checked and run."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from tests.support.sources import HOUSE
from tests.support.terminal import run

__all__ = ["inspected", "runs", "type_checks"]


def inspected(folder: Path, *arguments: str, module: str = "found") -> str:
    """The module that is written; kept in the folder."""
    written = run(folder, "holdall", "inspect", *arguments)
    assert (written.code, written.errors) == (0, ""), written.errors
    (folder / f"{module}.py").write_text(written.output)
    return written.output


def runs(folder: Path, program: str, module: str = "found") -> str:
    """See that ``check`` finds no difference, and return what a program around the models prints."""
    checked = run(folder, "holdall", "check", f"{module}:app")
    assert (checked.code, checked.errors) == (0, ""), checked.output + checked.errors
    (folder / "program.py").write_text(program)
    done = run(folder, "program")
    assert (done.code, done.errors) == (0, ""), done.errors
    return done.output


def type_checks(folder: Path, module: str = "found") -> None:
    """See that both checkers take the module."""
    kept = HOUSE / "build" / "mypy"  # of Holdall, which the module imports, for the next time
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # whoever is first reads Holdall, and others find what was kept
        _accepts(folder, "mypy", "--strict", "--cache-dir", str(kept), f"{module}.py")
    _accepts(folder, "pyright", "--pythonpath", sys.executable, f"{module}.py")


def _accepts(folder: Path, checker: str, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name(checker)), *arguments]
    typed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert typed.returncode == 0, typed.stdout
