from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.servers.scratch import is_listening
from tests.servers.valkey import Valkey, ValkeyCluster

_PROGRAM = """
import time
from tests.servers.valkey import Valkey
with Valkey() as server:
    print(server.url, flush=True)
    time.sleep(60)
"""


def test_a_stopped_server_is_gone() -> None:
    with Valkey() as server:
        assert is_listening(server.url)
        assert server.ask("ECHO", "hé") == "$3\r\nhé\r\n".encode()
    assert not is_listening(server.url)


def test_a_server_dies_with_a_process_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert is_listening(url)
        process.kill()
    assert _ends(url)


def test_a_cluster_has_all_slots(redis_cluster: ValkeyCluster) -> None:
    told = redis_cluster.nodes[2].ask("CLUSTER", "INFO")
    assert b"cluster_slots_ok:16384" in told
    assert b"cluster_size:3" in told


def test_a_server_whose_input_a_fork_holds_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.valkey.STOP_SECONDS", 0.2)
    with Valkey() as server:
        url, child = server.url, os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        assert _ends(url)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _ends(url: str) -> bool:
    deadline = time.monotonic() + 10
    while is_listening(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_listening(url)
