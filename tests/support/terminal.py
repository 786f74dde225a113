"""The command line as a person meets it: a process, what it says, and how it ends."""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import re
import runpy
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

import msgspec

from tests.support.sources import HOUSE

__all__ = ["Said", "get", "invoke", "run", "started"]

# Starting Python and importing all takes most of a second, a fork a tenth of that.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "tests.support.terminal",
        "holdall.cli",
        *(f"holdall.stores.{name}" for name in ("sql", "yaml", "redis", "mongo", "rest")),
    ]
)
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
    with TemporaryDirectory() as place:
        said = [Path(place) / name for name in ("output", "errors")]
        process = _FORKS.Process(
            target=_run, args=(str(folder), arguments, [str(path) for path in said], _environment())
        )
        process.start()
        process.join(_SECONDS)
        code = process.exitcode
        process.kill()
        process.join()
        process.close()
        assert code is not None, f"{arguments} did not end: {said[0].read_text()}{said[1].read_text()}"
        return Said(code, said[0].read_text(), said[1].read_text())


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


def _run(folder: str, arguments: Sequence[str], said: Sequence[str], environment: Mapping[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, place in enumerate(said, 1):
        os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT), number)
    sys.path[:0] = [folder]
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


@contextmanager
def started(folder: Path, *arguments: str, path: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The same left running, with the address it announces; killed at the end if it still runs.

    Modules are looked for in ``path``, too.
    """
    command = [sys.executable, "-m", *arguments]
    environment = _environment()
    if path is not None:
        environment["PYTHONPATH"] += os.pathsep + str(path)
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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
