"""Children make keys, places and ids of events of their own, whatever threads of their parents were at at the fork."""

from __future__ import annotations

import os

import pytest

from tests.support.forked import run_forking

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")

_MAKERS = {
    "uuid7": "from holdall.session.commit.plan import uuid7 as module\nmake = module.uuid7",
    "object id": "from holdall.session.commit.plan import object_ids as module\nmake = module.new_object_id",
    "place": "from holdall.model import ordered as module\nmake = module.place_at_end",
}

_PROGRAM = """
import os, signal

make()
with module._lock:  # as by a thread of the parent
    child = os.fork()
    if not child:
        signal.alarm(20)
        make()
        os._exit(0)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.parametrize("maker", _MAKERS)
def test_a_child_makes_keys_though_its_parent_was_making_one(maker: str) -> None:
    assert run_forking(_MAKERS[maker] + _PROGRAM) == ["0"]


def test_parent_and_child_make_no_event_id_twice() -> None:
    program = """
import os
from holdall import ANONYMOUS
from holdall.events.happened import CommitFacts

def made():
    return [CommitFacts.of(ANONYMOUS, None).commit for _ in range(200)]

made()
reading, writing = os.pipe()
child = os.fork()
found = made()
if not child:
    os.write(writing, "\\n".join(found).encode())
    os._exit(0)
os.waitpid(child, 0)
others = os.read(reading, 100_000).decode().split()
print(len({*found, *others}))
"""
    assert run_forking(program) == ["400"]
