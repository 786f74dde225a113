"""Taking a port before anything is started on it, so that a taken one is reported in a sentence."""

from __future__ import annotations

import errno
import socket

from holdall.cli.failure import MISUSE, Failure

__all__ = ["listen"]


def listen(host: str, port: int, advice: str = "choose another with --port") -> socket.socket:
    """Bind a socket; port 0 takes any free one. Raises Failure, with the advice, where the port is in use.

    >>> listener = listen("127.0.0.1", 0)
    >>> listener.getsockname()[0]
    '127.0.0.1'
    >>> listener.close()
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise Failure(f"{host!r} is no address of this machine", MISUSE) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.set_inheritable(True)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Failure(f"port {port} on {host} is in use; {advice}") from error
        if error.errno == errno.EACCES:
            raise Failure(f"port {port} needs rights this user does not have; {advice}") from error
        raise Failure(f"{host!r} is no address of this machine", MISUSE) from error
    return listener
