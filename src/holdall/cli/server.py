"""Running a service under uvicorn on a socket that is already bound."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from holdall.cli.failure import Failure

__all__ = ["run_reloading", "run_server", "run_workers"]

_PROTOCOL = "holdall.cli.protocol:BoundedProtocol"
_PAUSE = 0.05  # seconds between two looks whether a process takes connections
_SHUTDOWN_SECONDS = 10  # for requests that are being answered when the service is told to end


def run_server(
    service: Any, listener: socket.socket, announce: Callable[[str], None], *, access_log: bool = False
) -> None:
    """Serve an ASGI application until interrupted; ``announce`` is called with the address as soon as it answers.

    Raises Failure where it does not start.

    Example: :func:`listen`.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                announce(_address(listener))

    config = uvicorn.Config(
        service,
        access_log=access_log,
        log_level=_level(access_log),
        http=_PROTOCOL,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    server = Server(config)
    with listener, contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if not server.started:
        raise Failure("the service did not start; its log above says why")


def run_workers(
    factory: str, listener: socket.socket, announce: Callable[[str], None], *, workers: int, access_log: bool = False
) -> None:
    """Serve with several processes, each with the application that ``module:factory`` makes there; ``announce`` is
    called with the address as soon as the first of them answers.
    """
    _run_apart(factory, listener, announce, access_log=access_log, workers=workers)


def run_reloading(
    factory: str, listener: socket.socket, announce: Callable[[str], None], *, access_log: bool = False
) -> None:
    """Serve with one process, which is started anew when a file of Python in this folder changes; ``announce`` is
    called with the address as soon as it answers for the first time.
    """
    _run_apart(factory, listener, announce, access_log=access_log, reload=True, reload_dirs=[os.getcwd()])


def _run_apart(
    factory: str, listener: socket.socket, announce: Callable[[str], None], *, access_log: bool, **options: Any
) -> None:
    """Let uvicorn start and watch other processes, with these options of its own."""
    import uvicorn

    address, (host, port) = _address(listener), listener.getsockname()[:2]
    listener.close()  # uvicorn binds it anew, for all processes
    waiting = threading.Thread(target=_announce_once_taken, args=(host, port, lambda: announce(address)), daemon=True)
    waiting.start()
    uvicorn.run(
        factory,
        factory=True,
        host=host,
        port=port,
        access_log=access_log,
        log_level=_level(access_log),
        http=_PROTOCOL,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        **options,
    )


def _announce_once_taken(host: str, port: int, announce: Callable[[], None]) -> None:
    """Announce as soon as a process takes connections, which none does before its application has started."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is asked, not what is bound
    while not _takes_connections(near, port):
        time.sleep(_PAUSE)
    announce()


def _takes_connections(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), _PAUSE * 20) as connection:
            return bool(connection.getsockname() != connection.getpeername())  # else it has met itself
    except OSError:
        return False


def _level(access_log: bool) -> str:
    return "info" if access_log else "warning"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
