"""Loading the atlas once, so that it is either all there or not at all."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from demo.atlas.application import atlas
from demo.atlas.source import Source
from holdall import Holdall, Model
from holdall.cli import Failure

__all__ = ["BATCH", "load"]

BATCH = 5_000
"""Records in one commit, and in memory at a time."""


def load(folder: Path, source: Source, advance: Callable[[int], None]) -> None:
    """Load everything into a folder that is not there yet; ``advance`` hears of each batch's size.

    The records go to a folder beside it, which gets its name when all are in; what an interrupted load left is
    thrown away. Raises Failure where another process is loading it.
    """
    unfinished = folder.with_name(f"{folder.name}.loading")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(f"{folder.name}.lock")):
        if folder.exists():
            return  # another process was faster
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir()
        asyncio.run(_fill(unfinished, source, advance))
        unfinished.rename(folder)


async def _fill(folder: Path, source: Source, advance: Callable[[int], None]) -> None:
    whole, app = atlas(folder), atlas(folder, is_watched=False)
    try:
        await whole.create()
        for records in (source.continents(), source.countries(), source.cities(), source.visits()):
            await _add(app, records, advance)
    finally:
        await app.close()
        await whole.close()


async def _add(app: Holdall, records: Iterable[Model], advance: Callable[[int], None]) -> None:
    for batch in _batches(records):
        async with app.session() as session:
            session.add_all(batch)
        advance(len(batch))


def _batches(records: Iterable[Model]) -> Iterator[list[Model]]:
    remaining = iter(records)
    while batch := list(islice(remaining, BATCH)):
        yield batch


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock file; the system gives it back even if this process is killed."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another process is loading {path.with_suffix('')}; wait for it") from None
        yield
