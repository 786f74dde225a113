"""Running a service under uvicorn on a socket that is already bound."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from holdall.cli.failure import Failure

__all__ = ["run_server", "run_workers"]

_PROTOCOL = "holdall.cli.protocol:BoundedProtocol"
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
    """Serve with several processes, each with the application that ``module:factory`` makes there."""
    import uvicorn

    announce(_address(listener))
    host, port = listener.getsockname()[:2]
    listener.close()  # uvicorn binds it anew, for all processes
    uvicorn.run(
        factory,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=access_log,
        log_level=_level(access_log),
        http=_PROTOCOL,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def _level(access_log: bool) -> str:
    return "info" if access_log else "warning"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
