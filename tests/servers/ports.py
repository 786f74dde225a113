"""Ports of 127.0.0.1 for servers that must be told a number."""

from __future__ import annotations

import os
import random
import socket

__all__ = ["free_port"]

_PORTS = range(15_000, 30_000)  # below those that systems give to whoever asks for any
_marks: list[socket.socket] = []


def free_port() -> int:
    """Return a port on which nobody listens, and which no other process gets from here while this one is alive.

    A port that the system gave to a probe would be free again before the server listens on it, and by then may be that
    of another test's server or of a connection. The UDP socket of the same number, kept open, marks it as taken.
    """
    order = random.Random(os.urandom(8))  # tests begin with the same state of the common one
    for port in order.sample(_PORTS, len(_PORTS)):
        mark = socket.socket(type=socket.SOCK_DGRAM)
        try:
            mark.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _marks.append(mark)
        return port
    raise RuntimeError(f"no port from {_PORTS.start} to {_PORTS.stop} is free")
