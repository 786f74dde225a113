"""Servers killed under a store: ``python -m tests.crash.server_kills --kills 20``; exits with 1 if anything is wrong.

Two programs write all the while; the server dies by SIGKILL and comes back at once, with what it had on its disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

import holdall.stores.redis
import holdall.stores.sql.postgres
import holdall.stores.sql.sqlite
import holdall.stores.yaml  # noqa: F401
from tests.contention.log import Told
from tests.contention.models import Arena
from tests.contention.worker import Seen, look
from tests.crash.forks import Child
from tests.crash.victim import neighbour
from tests.servers.killable import KillablePostgres, KillableValkey

__all__ = ["SERVER_WORLDS", "ServerRound", "kill_servers"]

SERVER_WORLDS = ("sqlite+redis", "sqlite+postgresql", "postgresql+redis", "postgresql+postgresql", "yaml+redis")
_WRITERS = 2
_RECORDS = 5
_UP_SECONDS = 0.4  # at most, between two kills
_END_SECONDS = 60.0


class ServerRound(msgspec.Struct):
    """What came of so many kills of the last store's server. ``ends`` counts commits by how they ended."""

    world: str
    kills: int
    ends: dict[str, int]
    said: list[str]
    seen: Seen

    @property
    def is_clean(self) -> bool:
        """Whether everything holds that must."""
        return self.seen.is_clean and not self.said and self.ends.get("done", 0) > 0


def kill_servers(
    world: str, kills: int, seed: int, *, under: int = -1, prepared: int = 0, lease: float | None = None
) -> ServerRound:
    """Write a world while the server ``under`` one of its stores, by number, is killed.

    ``prepared`` is PostgreSQL's max_prepared_transactions.
    """
    kinds = tuple(world.split("+"))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="server-kills-"))
        servers = [_server(kind, prepared, stack) for kind in kinds]
        urls = tuple([_url(kind, servers[side], side, folder) for side, kind in enumerate(kinds)])
        arena = Arena("servers", kinds, urls, folder, records=_RECORDS, lease=lease)
        said = _ended([Child(lambda _: asyncio.run(_begin(arena)))])
        writers = [Child(_writing(arena, f"n{number}")) for number in range(_WRITERS)]
        victim, chance = servers[under], random.Random(seed)
        assert victim is not None
        for _ in range(kills):
            time.sleep(0.05 + chance.random() * _UP_SECONDS)
            victim.kill()
            victim.start()
        time.sleep(_UP_SECONDS)
        for writer in writers:
            os.kill(writer.pid, signal.SIGTERM)
        said += _ended(writers)
        logs = sorted(Path(folder).glob("*.log"))
        seen = asyncio.run(look(arena, logs))
        ends = Counter(item.end for item in Told.of(logs).ended.values())
        return ServerRound(world, kills, dict(ends.most_common()), said, seen)


def _server(kind: str, prepared: int, stack: ExitStack) -> KillablePostgres | KillableValkey | None:
    match kind:
        case "postgresql":
            return stack.enter_context(KillablePostgres(max_prepared_transactions=str(prepared)))
        case "redis":
            return stack.enter_context(KillableValkey())
    return None


def _url(kind: str, server: KillablePostgres | KillableValkey | None, side: int, folder: str) -> str:
    if server is not None:
        return server.url
    return f"sqlite:///{folder}/books{side}.db" if kind == "sqlite" else f"yaml:{folder}/books{side}"


def _writing(arena: Arena, name: str) -> Callable[[Callable[[], None]], None]:
    return lambda _: neighbour(arena, name)


async def _begin(arena: Arena) -> None:
    app = arena.app()
    await arena.begin(app)
    await app.close()


def _ended(children: list[Child]) -> list[str]:
    said = []
    for child in children:
        if not child.await_end(_END_SECONDS):
            child.kill()
            said.append(f"a child took longer than {_END_SECONDS} s")
        _, words = child.reap()
        said += [words] if words else []
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.server_kills", description=__doc__)
    parser.add_argument("--worlds", default=",".join(SERVER_WORLDS))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--under", type=int, default=-1, help="number of the store whose server is killed")
    parser.add_argument("--prepared", type=int, default=0, help="PostgreSQL's max_prepared_transactions")
    parser.add_argument("--lease", type=float, default=None, help="seconds; the default is Holdall's")
    options = parser.parse_args()
    is_clean = True
    for world in options.worlds.split(","):
        done = kill_servers(
            world,
            options.kills,
            options.seed,
            under=options.under,
            prepared=options.prepared,
            lease=options.lease,
        )
        is_clean &= done.is_clean
        findings = msgspec.structs.asdict(done.seen.findings)
        counts = {name: value for name, value in findings.items() if value}
        left = {**done.seen.unfinished, "held": done.seen.prepared}
        verdict = "ok" if done.is_clean else "WRONG"
        print(
            f"{world:24} {verdict:5} kills {done.kills} {done.ends} wrong {counts} left {left} {done.said}", flush=True
        )
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
