"""Ports of servers are given once."""

from __future__ import annotations

import socket

from tests.servers.ports import free_port
from tests.support.preloaded import run_preloaded

_PROGRAM = """
import sys
import tests.servers.ports as ports
ports._PORTS = range(int(sys.argv[1]), int(sys.argv[1]) + 1)
try:
    print(ports.free_port())
except RuntimeError:
    print("none")
"""


def test_a_port_is_given_once() -> None:
    found = [free_port() for _ in range(20)]
    assert len(set(found)) == 20
    with socket.socket() as server:
        server.bind(("127.0.0.1", found[0]))  # a server may take it
        server.listen()


def test_another_process_is_not_given_the_same_one() -> None:
    assert run_preloaded("-c", _PROGRAM, str(free_port())).stdout.strip() == "none"
