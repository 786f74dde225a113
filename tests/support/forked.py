"""Programs that fork, each run in a process of its own and ended with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

__all__ = ["run_forking"]

SECONDS = 20  # until a program counts as hanging


def run_forking(program: str, *arguments: str) -> list[str]:
    """The lines it printed. Raises AssertionError if it or a child failed, TimeoutExpired if one of them hangs."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            printed, failed = process.communicate(timeout=SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a child that hangs, too
    assert not failed, failed
    assert process.returncode == 0
    return printed.splitlines()
