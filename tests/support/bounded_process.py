"""A program that keeps notes while the system bounds its files; its arguments are the bound, a URL and that of files.

It prints what was raised under the bound, and what is stored once there is none.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from holdall import File, Holdall, Model, field, file
from holdall.errors import HoldallError

_LARGE = 100_000


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = ""
    scan: File | None = file("scans")


@contextmanager
def _bounded(kind: int, bound: int) -> Iterator[None]:
    before, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (bound, most))
    try:
        yield
    finally:
        resource.setrlimit(kind, (before, most))


@contextmanager
def small_files() -> Iterator[None]:
    """No file may have more than 60,000 bytes."""
    with _bounded(resource.RLIMIT_FSIZE, 60_000):
        yield


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Every descriptor that the process may have is taken."""
    taken = list[int]()
    with _bounded(resource.RLIMIT_NOFILE, 64):
        try:
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass
        try:
            yield
        finally:
            for descriptor in taken:
                os.close(descriptor)


async def told(work: Callable[[], Awaitable[object]]) -> list[str]:
    """The names of the error and of what it was raised from, or nothing."""
    try:
        await work()
    except HoldallError as error:
        names, cause = list[str](), error
        while cause is not None:
            names.append(type(cause).__name__)
            cause = cause.__cause__  # type: ignore[assignment]  # the last one is the system's
        return [*names, str(error)]
    return []


async def main(bound: str, url: str, files: str) -> None:
    """Add notes within the bound, and after it."""
    app = Holdall("bounded")
    app.add_store("main", url)
    app.add_files("scans", files)
    app.add(Note, store="main")
    await app.create()

    async def add(number: int, text: str = "", content: bytes | None = None) -> None:
        async with app.session() as session:
            session.add(Note(id=number, text=text, scan=None if content is None else File(content, name="a")))

    await add(1, content=b"x" * _LARGE)  # modules that are imported on first use are there from now on
    if bound == "descriptors":
        await app.close()
    with small_files() if bound == "size" else no_descriptors():
        text = await told(lambda: add(2, "x" * _LARGE))
        content = await told(lambda: add(3, content=b"x" * _LARGE))
    await add(4, "x" * _LARGE)
    await add(5, content=b"x" * _LARGE)
    async with app.session() as session:
        found = sorted(note.id for note in await session.query(Note.where()))
    await app.close()
    print(json.dumps({"text": text, "content": content, "stored": found}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
