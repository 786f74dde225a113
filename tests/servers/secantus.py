"""A MongoDB-wire server from the secantusdb wheel, alive as long as the test process: started in half a second.

Its licence is the GPL: it runs as a process of its own and nothing of it is ever imported here.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.servers.ports import free_port

__all__ = ["Secantus"]

_START_SECONDS = 30.0

# Otherwise pymongo opens a further connection to measure round trips, and one that is being opened when the client is
# closed is left to the garbage collector, which complains.
_QUIET = "serverMonitoringMode=poll"

# The server must not outlive this process, even a killed one: the shell ends it when its standard input, which this
# process holds open, comes to its end. At once: its data is nobody's any more, and putting it in order takes seconds.
_SUPERVISOR = """exec 3<&0
"$@" 3<&- & server=$!
(cat <&3; kill -KILL $server) >/dev/null 2>&1 &
wait $server
rm -rf "$0"
"""

# It is written in Python, whose collector looks for garbage that such a server hardly makes: a twentieth of its time.
_LAUNCHER = """
import gc, runpy, sys
gc.set_threshold(100_000, 50, 1000)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Secantus:
    """One server with data of its own; use it in a ``with`` block.

    It is a replica set of one, with transactions; with ``is_standalone`` it says it is a single server. It takes
    ``configureFailPoint``, so that tests can make commands fail.
    """

    def __init__(self, *, is_standalone: bool = False, cache: str = "128M") -> None:
        self._is_standalone = is_standalone
        self._cache = cache
        self._folder = Path(tempfile.mkdtemp(prefix="holdall-mongo-"))
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server listens: its empty database ``test``; with the replica set's name where it is one."""
        replica_set = "" if self._is_standalone else "&replicaSet=secantus"
        return f"mongodb://127.0.0.1:{self._port}/test?{_QUIET}{replica_set}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server and remove its data."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # some fork holds its input, or it does not heed it
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        folder = self._folder
        self._port = free_port()
        (folder / "settings.toml").touch()  # so that it does not go looking for somebody's
        command = [sys.executable, "-c", _LAUNCHER, str(Path(sys.executable).with_name("secantusd-py"))]
        command += ["--enable-test-commands"]
        command += ["--port", str(self._port), "--config", str(folder / "settings.toml"), "--cache-size", self._cache]
        command += ["--storage-path", str(folder / "data"), "--log-level", "WARNING"]
        if self._is_standalone:
            command.append("--standalone")
        log = folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", _SUPERVISOR, folder, *command],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the group of the shell, the server and who waits for the end
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _is_listening(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the MongoDB server did not start:\n{log.read_text() if log.exists() else ''}")
            time.sleep(0.02)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
