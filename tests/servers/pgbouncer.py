"""PgBouncer from the Debian package of that name, in transaction mode before any PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.servers.ports import free_port

__all__ = ["PgBouncer"]

_START_SECONDS = 20.0
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin")

_INI = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
unix_socket_dir =
logfile = {folder}/log
"""

# It must not outlive this process, even a killed one: the shell ends it when its standard input comes to its end.
_SUPERVISOR = 'exec 3<&0; "$@" 3<&- & pooler=$!; (cat <&3; kill -TERM $pooler) >/dev/null 2>&1 & wait $pooler'


class PgBouncer:
    """A pooler with ``size`` connections to each database of the server at ``url``; use it in a ``with`` block."""

    def __init__(self, url: str, *, size: int = 2) -> None:
        self._server = urlsplit(url)
        self._size = size
        self._folder = Path(tempfile.mkdtemp(prefix="holdall-pgbouncer-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        """Where it is installed, if it is."""
        return shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS]))

    def url_of(self, url: str) -> str:
        """The way through the pooler to a database of the server."""
        return urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{self._port}").geturl()

    def __enter__(self) -> Self:
        program = self.program()
        if program is None:
            raise RuntimeError("pgbouncer is not installed; apt-get install pgbouncer")
        self._folder.chmod(0o777)  # it does not run as root
        ini = self._folder / "pgbouncer.ini"
        ini.write_text(
            _INI.format(
                host=self._server.hostname,
                port=self._server.port or 5432,
                own=self._port,
                size=self._size,
                folder=self._folder,
            )
        )
        command = [program, "-q", *(("-u", "nobody") if os.geteuid() == 0 else ()), str(ini)]
        self._process = subprocess.Popen(
            ["sh", "-c", _SUPERVISOR, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("pgbouncer did not start")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=10)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return True
        except OSError:
            return False
