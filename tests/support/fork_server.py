"""Run as a script: a process that has imported everything and opened nothing forks programs for tests.

Starting Python and importing Holdall with its drivers takes a second of CPU time, a fork some hundredths. Each
connection to the socket named as argument is one program: an Order comes, with the three standard streams as file
descriptors; the pid goes back at once, and the exit code, as of ``subprocess``, when the program has ended. The server
ends with its standard input, and removes the folder of its socket. ``preloaded`` is the other side.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import sys
import types
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import holdall
from holdall.store import open_store

__all__ = ["NUMBER", "Order", "imported"]

NUMBER = 4  # bytes of each number that is sent: the size of an order, a pid, an exit code
_MODULES = [  # what libraries import where they first need it
    "anyio._backends._asyncio",
    "asyncmy",
    "asyncpg",
    "encodings.ascii",
    "encodings.idna",
    "hiredis",
    "opentelemetry.context",
    "opentelemetry.trace",
    "sqlalchemy.dialects.mysql.asyncmy",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
]


@dataclass(frozen=True)
class Order:
    """What is to be run: the words after ``python``, which begin with ``-m`` or ``-c`` or are a file and its words."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    is_session: bool = False
    """Whether it leads a session and a process group of its own."""


def imported() -> None:
    """Import all of Holdall and what it imports late; nothing of that is ever garbage."""
    for module in pkgutil.walk_packages(holdall.__path__, "holdall."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(module.name)
    for name in _MODULES:
        with suppress(ImportError):
            importlib.import_module(name)
    open_store("none", "memory:")  # which looks for all that are installed
    gc.collect()
    gc.freeze()


def main() -> None:
    end = _End()
    atexit.register(end)  # before all others, which come before it
    imported()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        order = _Server(listener).serve()
    if order is None:
        shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)
    else:
        end.after(order)


class _End:
    """The end of a program, but for what Python does last and takes longest for: taking all modules apart."""

    def __init__(self) -> None:
        self._code: int | None = None

    def after(self, order: Order) -> None:
        """Be the program; outside of everything, so that threads and exit functions have their turn."""
        try:
            _run(order)
            self._code = 0
        except SystemExit as error:
            self._code = error.code if isinstance(error.code, int) else int(error.code is not None)
            raise
        except Exception:
            self._code = 1
            raise

    def __call__(self) -> None:
        if self._code is not None:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(self._code & 0xFF)


class _Server:
    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waiting: dict[int, socket.socket] = {}  # who waits for the end of which process

    def serve(self) -> Order | None:
        """Fork what is asked for; in the child, what it is to do, and in the server None, at the end."""
        woken, wakes = socket.socketpair()
        wakes.setblocking(False)
        before = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector, woken, wakes:
            for source in (0, woken, self._listener):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if 0 in ready:
                    return None
                if woken in ready:
                    woken.recv(4096)
                    self._reap()
                if self._listener in ready and (order := self._accepted()) is not None:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, before)
                    return order

    def _accepted(self) -> Order | None:
        """Fork; in the child, what it is to do."""
        asking, _ = self._listener.accept()
        size, streams, _, _ = socket.recv_fds(asking, NUMBER, 3)
        with asking.makefile("rb") as body:
            order = Order(**json.loads(body.read(int.from_bytes(size, "big"))))
        pid = os.fork()
        if pid == 0:
            for waiting in (asking, *self._waiting.values()):
                waiting.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            return order
        for stream in streams:
            os.close(stream)
        self._waiting[pid] = asking
        asking.sendall(pid.to_bytes(NUMBER, "big"))
        return None

    def _reap(self) -> None:
        while self._waiting:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._waiting.pop(pid) as waiting, suppress(OSError):
                waiting.sendall(os.waitstatus_to_exitcode(status).to_bytes(NUMBER, "big", signed=True))


def _run(order: Order) -> None:
    """Be the program."""
    if order.is_session:
        os.setsid()
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stdout.reconfigure(write_through="PYTHONUNBUFFERED" in os.environ)
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")
    sys.stderr.reconfigure(line_buffering=True)
    sys.path[:0] = [order.folder, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    match order.words:
        case ["-m", name, *words]:
            sys.argv = [name, *words]
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        case ["-c", text, *words]:
            sys.argv = ["-c", *words]
            sys.modules["__main__"] = module = types.ModuleType("__main__")
            exec(compile(text, "<string>", "exec"), module.__dict__)
        case [path, *words]:
            sys.argv = [path, *words]
            sys.path[0] = os.path.dirname(os.path.abspath(path))
            runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main()
