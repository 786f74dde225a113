"""The command line as a person meets it: a process, what it says, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import msgspec

from tests.support.sources import HOUSE

__all__ = ["Said", "get", "run", "started"]

_SECONDS = 30.0  # for a command to end, a server to start, an answer to come


class Said(msgspec.Struct, frozen=True):
    """What a command left behind."""

    code: int
    output: str
    errors: str


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HOUSE), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


def run(folder: Path, *arguments: str) -> Said:
    """Run ``python -m`` with these arguments in a folder, to its end."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The same left running, with the address it announces; killed at the end if it still runs."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process, _address(process)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = ""
    # Waiting on the pipe itself would not see the lines that were already read from it together with another.
    patience = Timer(_SECONDS, process.kill)
    patience.start()
    try:
        for line in process.stdout:
            said += line
            if found := re.search(r"http://[\d.]+:\d+", line):
                return found[0]
    finally:
        patience.cancel()
    raise AssertionError(f"no server: {said}")


def get(address: str, patience: float = 0.0) -> bytes:
    """What a server answers with status 200; for ``patience`` seconds it may still refuse connections."""
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(address, timeout=_SECONDS) as reply:
                body: bytes = reply.read()
                return body
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                raise
            time.sleep(0.05)
