"""Servers that die under the second store of a commit: what was decided is finished once they are back."""

from __future__ import annotations

import pytest

from tests.crash.server_kills import kill_servers

pytestmark = pytest.mark.early


@pytest.mark.parametrize("world", ["sqlite+redis", "sqlite+postgresql"])
def test_all_is_whole_once_the_server_is_back(world: str) -> None:
    done = kill_servers(world, kills=3, seed=1)
    assert done.said == []
    assert done.seen.findings.sentences == []
    assert (done.seen.unfinished, done.seen.prepared) == ({}, 0)
    assert done.ends["done"] > 0
    assert len(done.ends) > 1, "no commit met the kills, so nothing was tried"
