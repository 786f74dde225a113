from __future__ import annotations

import subprocess
import sys
import time

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
    deadline = time.monotonic() + 10
    while is_listening(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_listening(url)


def test_a_cluster_has_all_slots(redis_cluster: ValkeyCluster) -> None:
    told = redis_cluster.nodes[2].ask("CLUSTER", "INFO")
    assert b"cluster_slots_ok:16384" in told
    assert b"cluster_size:3" in told
