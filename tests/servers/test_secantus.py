from __future__ import annotations

import subprocess
import sys
import time

import pymongo
import pytest

from tests.servers.scratch import is_listening
from tests.servers.secantus import Secantus

_PROGRAM = """
import time
from tests.servers.secantus import Secantus
with Secantus() as server:
    print(server.url, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("is_standalone", [False, True])
def test_it_is_what_it_says_and_is_gone_when_stopped(is_standalone: bool) -> None:
    with Secantus(is_standalone=is_standalone) as server:
        with pymongo.MongoClient[dict[str, object]](server.url) as client:
            assert ("setName" in client.admin.command("hello")) is not is_standalone
        assert is_listening(server.url)
    assert not is_listening(server.url)


def test_it_dies_with_a_process_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert is_listening(url)
        process.kill()
    deadline = time.monotonic() + 10
    while is_listening(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_listening(url)
