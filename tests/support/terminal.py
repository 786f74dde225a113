"""The command line as a person meets it: a process, what it says, and how it ends."""

from __future__ import annotations

import importlib
import io
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Timer

import msgspec

from tests.support.preloaded import PreloadedProcess, run_preloaded
from tests.support.sources import HOUSE

__all__ = ["Said", "get", "invoke", "run", "started"]

_SECONDS = 120.0  # for a command to end, a server to start, an answer to come: as long as a busy machine may take


class Said(msgspec.Struct, frozen=True):
    """What a command left behind."""

    code: int
    output: str
    errors: str


def _environment() -> dict[str, str]:
    path = os.pathsep.join((str(HOUSE / "src"), str(HOUSE)))  # the source beside these tests, whatever is installed
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


def run(folder: Path, *arguments: str) -> Said:
    """Run ``python -m`` with these arguments in a folder, to its end: in a fork of a process that imported Holdall."""
    done = run_preloaded("-m", *arguments, folder=folder, environment=_environment())
    return Said(done.returncode, done.stdout, done.stderr)


def invoke(folder: Path, *arguments: str, given: str = "") -> Said:
    """Run the command line with these arguments in a folder, within this process: for commands that start no server.

    ``given`` is its standard input. Modules of the folder are forgotten at the end.
    """
    from holdall.cli import main

    output, errors = io.StringIO(), io.StringIO()
    before, path, here, argv, stdin = set(sys.modules), list(sys.path), os.getcwd(), sys.argv, sys.stdin
    importlib.invalidate_caches()
    os.chdir(folder)
    sys.argv, sys.stdin = ["holdall", *arguments], io.StringIO(given)
    code: object = 0
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.chdir(here)
        sys.argv, sys.stdin, sys.path[:] = argv, stdin, path
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
    assert isinstance(code, int)
    return Said(code, output.getvalue(), errors.getvalue())


@contextmanager
def started(folder: Path, *arguments: str, path: Path | None = None) -> Iterator[tuple[PreloadedProcess, str]]:
    """The same left running, with the address it announces; killed at the end if it still runs.

    Modules are looked for in ``path``, too.
    """
    environment = _environment()
    if path is not None:
        environment["PYTHONPATH"] += os.pathsep + str(path)
    with PreloadedProcess(
        "-m",
        *arguments,
        folder=folder,
        environment=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        is_text=True,
    ) as process:
        try:
            yield process, _address(process)
        finally:
            process.kill()


def _address(process: PreloadedProcess) -> str:
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
