"""A program that moves 10 between two stores and is killed, or stopped, at one place of its commit."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import msgspec

from holdall.session.journal import owner
from tests.contention.models import Arena
from tests.crash.failpoints import Failpoint, arm
from tests.promises.acts import move

_STOPPED_SECONDS = 2.0  # a prepared transaction cannot renew its lease, so it is as long as this and the lease


def _be_elsewhere() -> None:
    """Have a name that other processes take for one of another machine."""
    owner._owner_of = lambda pid: f"-.-.{pid}.elsewhere"  # type: ignore[assignment]


async def _main(arena: Arena, point: Failpoint, how: str) -> None:
    sent = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[how]
    passed = False

    def at(reached: Failpoint) -> None:
        nonlocal passed
        if reached is point and not passed:
            passed = True
            if how == "stop":
                print("stops", flush=True)
            os.kill(os.getpid(), sent)

    app = arena.app()
    app.bindings.configure()
    arm(at)
    try:
        await move(app, arena, timeout=_STOPPED_SECONDS if how == "stop" else 20)
        print("committed")
    except Exception as error:
        print(type(error).__name__, error)
    finally:
        await app.close()


def main(arena: str, ending: str) -> None:
    """Move, as these two JSON texts say: the arena, and the place, how the program ends there and whether elsewhere."""
    name, how, is_elsewhere = json.loads(ending)
    if is_elsewhere:
        _be_elsewhere()
    asyncio.run(_main(msgspec.json.decode(arena, type=Arena), Failpoint[name], how))


if __name__ == "__main__":
    main(*sys.argv[1:])
