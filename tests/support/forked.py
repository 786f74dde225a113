"""Programs that fork, each run in a process of its own and ended with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from tests.support.preloaded import PreloadedProcess

__all__ = ["run_forking"]

_QUIET = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
SECONDS = 60  # until a program counts as hanging


def run_forking(program: str, *arguments: str) -> list[str]:
    """The lines it printed. Raises AssertionError if it or a child failed, TimeoutExpired if one of them hangs."""
    pipe = subprocess.PIPE
    with PreloadedProcess(
        "-c", _QUIET + program, *arguments, stdout=pipe, stderr=pipe, is_text=True, is_session=True
    ) as process:
        try:
            printed, failed = process.communicate(timeout=SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a child that hangs, too
    assert not failed, failed
    assert process.returncode == 0
    return str(printed).splitlines()
