"""Programs in processes of their own that need not start Python: ``fork_server`` forks them with everything imported.

For tests of what processes do to each other. What is tested with the start of Python itself, or with another
environment of it, belongs to ``subprocess``.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any, Self

from tests.support.fork_server import NUMBER, Order
from tests.support.sources import HOUSE

__all__ = ["PreloadedProcess", "run_preloaded", "start_server"]

_VARIABLE = "HOLDALL_FORK_SERVER"  # the path of the socket, for processes of the same run of tests
_SECONDS = 120.0  # for a server to import everything, as long as a busy machine may take


def start_server() -> str:
    """The socket of the server, which is started unless this run of tests has one; it ends with this process."""
    if _VARIABLE not in os.environ:
        folder = tempfile.mkdtemp(prefix="holdall-forks-")
        path = os.environ[_VARIABLE] = f"{folder}/socket"
        command = [sys.executable, "-m", "tests.support.fork_server", path]
        server = subprocess.Popen(command, cwd=HOUSE, stdin=subprocess.PIPE)
        atexit.register(server.communicate)  # closes its input, and waits
    return os.environ[_VARIABLE]


class PreloadedProcess:
    """A process that does what ``python`` does with these words, with that part of ``Popen`` that tests need.

    ``stdin``, ``stdout`` and ``stderr`` are a file, None, or PIPE, DEVNULL or STDOUT of ``subprocess``.
    """

    def __init__(
        self,
        *words: str,
        folder: str | Path = HOUSE,
        environment: Mapping[str, str] | None = None,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        is_text: bool = False,
        is_session: bool = False,
    ) -> None:
        self.args = words
        self.returncode: int | None = None
        self.stdin: IO[Any] | None = None
        self.stdout: IO[Any] | None = None
        self.stderr: IO[Any] | None = None
        self._readers: list[Thread] = []
        self._said: list[Any] = [None, None]
        variables = dict(os.environ if environment is None else environment)
        order = json.dumps(asdict(Order(list(words), str(folder), variables, is_session))).encode()
        theirs: list[int] = []
        mode = "" if is_text else "b"
        try:
            for number, given in enumerate((stdin, stdout, stderr)):
                match given:
                    case subprocess.PIPE:
                        reading, writing = os.pipe()
                        theirs.append(writing if number else reading)
                        ours = os.fdopen(reading, f"r{mode}") if number else os.fdopen(writing, f"w{mode}")
                        setattr(self, ("stdin", "stdout", "stderr")[number], ours)
                    case subprocess.DEVNULL:
                        theirs.append(os.open(os.devnull, os.O_RDWR))
                    case subprocess.STDOUT:
                        theirs.append(os.dup(theirs[1]))
                    case None:
                        theirs.append(os.dup(number))
                    case int():
                        theirs.append(os.dup(given))
                    case _:
                        theirs.append(os.dup(given.fileno()))
            self._server = _connected(start_server())
            socket.send_fds(self._server, [len(order).to_bytes(NUMBER, "big")], theirs)
            self._server.sendall(order)
        finally:
            for stream in theirs:
                os.close(stream)
        self.pid = self._number()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; negative for a signal. Raises TimeoutExpired after so many seconds."""
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = self._number()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from None
            self._server.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is over."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the fork server is about to say so
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Write to its input, read what it says to the end, and wait; None for what is no pipe.

        Raises TimeoutExpired after so many seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        if not self._readers:
            streams = [(place, stream) for place, stream in enumerate((self.stdout, self.stderr)) if stream is not None]
            self._readers = [Thread(target=self._read, args=item, daemon=True) for item in streams]
            for reader in self._readers:
                reader.start()
        if self.stdin is not None and not self.stdin.closed:
            with self.stdin, suppress(BrokenPipeError):
                if given:
                    self.stdin.write(given)
                    self.stdin.flush()
        for reader in self._readers:
            reader.join(None if end is None else max(0.0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        self.wait(None if end is None else max(0.001, end - time.monotonic()))
        return self._said[0], self._said[1]

    def _read(self, place: int, stream: IO[Any]) -> None:
        with stream:
            self._said[place] = stream.read()

    def _number(self) -> int:
        received = self._server.recv(NUMBER)
        if len(received) < NUMBER:
            raise RuntimeError("the fork server has ended; what it complained of is in the output of the tests")
        return int.from_bytes(received, "big", signed=True)


def run_preloaded(
    *words: str, given: str | None = None, timeout: float = _SECONDS, check: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` with ``capture_output`` and text. Raises CalledProcessError with ``check``."""
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    pipe = subprocess.PIPE
    with PreloadedProcess(*words, stdin=stdin, stdout=pipe, stderr=pipe, is_text=True, **options) as process:
        try:
            output, errors = process.communicate(given, timeout)
        finally:
            process.kill()
    assert process.returncode is not None
    done = subprocess.CompletedProcess[str](words, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done


def _connected(path: str) -> socket.socket:
    """The server, which may still be importing."""
    deadline = time.monotonic() + _SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return connection
