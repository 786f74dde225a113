"""The parent side: workers that do jobs and servers that answer HTTP, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
DATA = BUILD / "bench-data"

_JOB_SECONDS = 180.0
_START_SECONDS = 30.0


class Failure(Exception):
    """A contestant could not do its job; the message says why. The run goes on without it."""


class Worker:
    """A process that does the jobs of one module. Starts at the first job."""

    def __init__(self, module: str, python: Path | str = sys.executable) -> None:
        self._command = [str(python), "-m", "bench.worker", module]
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    def do(self, job: str, **arguments: Any) -> float:
        """The job's measured number. Raises Failure if it fails or takes over three minutes."""
        if self._process is None:
            self._process = start(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, log=self._module)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"job": job, "arguments": arguments}).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"{self._module} died; see {log_path(self._module)}") from None
        if not select.select([process.stdout], [], [], _JOB_SECONDS)[0]:
            self.close()
            raise Failure(f"{self._module}.{job} took over {_JOB_SECONDS:.0f} s")
        line = process.stdout.readline()
        if not line:
            raise Failure(f"{self._module} died in {job}; see {log_path(self._module)}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"{self._module}.{job}: {answer['error']}; see {log_path(self._module)}")
        return float(answer["value"])

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            stop(self._process)
            self._process = None


class Server:
    """One uvicorn worker serving ``module:app`` on a free port of 127.0.0.1; ``environment`` is added to ours."""

    def __init__(self, target: str, environment: Mapping[str, str], python: Path | str = sys.executable) -> None:
        self.port = _free_port()
        command = [str(python), "-m", "uvicorn", target, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        self._process = start(command, environment=environment, log=target.partition(":")[0])
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise Failure(f"{target} does not start; see {log_path(target.partition(':')[0])}")
            time.sleep(0.05)

    @property
    def resident(self) -> float:
        """The bytes of memory that the process has now."""
        return float(psutil.Process(self._process.pid).memory_info().rss)

    def close(self) -> None:
        """End the process."""
        stop(self._process)


def start(
    command: list[str],
    *,
    log: str,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in the project's root, with its complaints in a file under ``build/bench-logs``."""
    path = log_path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as errors:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=stdin,
            stdout=errors if stdout is None else stdout,
            stderr=errors,
            env={**os.environ, **(environment or {})},
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, gently if it lets us."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        if process.stdin is None:
            process.terminate()
        process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait(5)
    if process.stdout is not None:
        process.stdout.close()


def log_path(name: str) -> Path:
    """Where a contestant's complaints go."""
    return BUILD / "bench-logs" / f"{name}.log"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
