"""Move a collection from SQLite to PostgreSQL, Redis and MongoDB while it is written: ``make moves N=100000``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tests.servers.embedded_postgres import EmbeddedPostgres
from tests.servers.secantus import Secantus
from tests.servers.valkey import Valkey
from tests.support.moving_trial import trial

__all__ = ["main"]


def main() -> int:
    """Run the trial and print what came of each move; 1 where anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2, help="writers in processes of their own")
    parser.add_argument("--batch", type=int, default=1_000, help="records written together")
    given = parser.parse_args()
    with (
        EmbeddedPostgres() as postgres,
        Valkey() as redis,
        Secantus(cache="1G") as mongo,
        tempfile.TemporaryDirectory() as folder,
    ):
        stores = {
            "sqlite": f"sqlite:///{Path(folder) / 'records.db'}",
            "postgres": postgres.url,
            "redis": redis.url,
            "mongo": mongo.url,
        }
        begun = perf_counter()
        found = asyncio.run(
            trial(stores, [*stores], given.records, batch=given.batch, writers=1, processes=given.processes, pause=0.02)
        )
        seconds = perf_counter() - begun
    for each in found.moves:
        print(str(each).partition("\n")[0])
    print(f"{found.commits} counts and more commits beside, {found.refused} refused and not counted, {seconds:.0f} s")
    print("\n".join(found.wrong[:20]) or "nothing was lost, nothing counted twice")
    return bool(found.wrong)


if __name__ == "__main__":
    sys.exit(main())
