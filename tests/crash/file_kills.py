"""Kill a program that writes, replaces, copies and removes files, at any moment, and audit what is left.

No record may refer to a content that is not there, or is not what was written; after a collection, nothing may be left
that no record refers to. Run as ``python -m tests.crash.file_kills --kills 500``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from holdall import File, Holdall, Model, field, file
from holdall.files import FileStore, LocalFiles, TieredFiles
from holdall.session import Session

__all__ = ["Audit", "audit", "fill", "run"]

_KEYS = 12
_LONGEST_LIFE = 0.12  # seconds, after the acts that it is sure to have, as a busy machine may take long for these
_SURE = 4  # fewer than so many acts are sure


class Page(Model, collection="pages"):
    id: int = field(pk=True)
    scan: File | None = file("scans")
    draft: File | None = file("drafts")
    version: int = field(version=True)


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    count: int = 0
    sheet: File | None = file("scans")


class Audit:
    """What was found in all rounds."""

    def __init__(self) -> None:
        self.kills = self.files = self.missing = self.damaged = self.orphans = self.left = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.files} files read: {self.missing} missing, {self.damaged} damaged,"
            f" {self.orphans} orphans collected, {self.left} left after collection"
        )

    @property
    def is_clean(self) -> bool:
        return self.missing == self.damaged == self.left == 0


def library(folder: Path) -> Holdall:
    """Two databases, a folder of files, and one with work beside cold storage."""
    app = Holdall("library", journal=f"sqlite:///{folder}/journal.db")
    app.add_store("main", f"sqlite:///{folder}/main.db")
    app.add_store("other", f"sqlite:///{folder}/other.db")
    app.add(Page, store="main")
    app.add(Note, store="other")
    app.add_files("scans", f"file:{folder}/scans")
    drafts: FileStore = TieredFiles("drafts", LocalFiles("work", folder / "work"), LocalFiles("cold", folder / "cold"))
    app.add_files("drafts", drafts)
    return app


def _content(draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice((0, 10, 5_000, 300_000, 2_500_000)))


async def _act(session: Session, draw: random.Random) -> None:
    key = draw.randrange(_KEYS)
    page = await session.get(Page, key) or session.add(Page(id=key))
    other = await session.get(Page, draw.randrange(_KEYS))
    match draw.randrange(7):
        case 0 | 1:
            page.scan = File(_content(draw), name="scan")
        case 2:
            page.draft = File(_content(draw), name="draft")
        case 3:
            page.scan = None
        case 4:
            if other is not None and other.scan is not None and other is not page:
                page.draft = other.scan
        case 5:
            session.remove(page)
        case 6:
            note = await session.get(Note, key) or session.add(Note(id=key))
            note.count += 1
            note.sheet = File(_content(draw))  # a commit over two stores
            page.scan = File(_content(draw))
    if draw.random() < 0.15:
        raise ValueError  # this one is rolled back


async def _live(folder: Path, draw: random.Random, acts: int, say: int) -> None:
    """Act without end; say so after so many acts."""
    app = library(folder)
    async with app:
        parent = os.getppid()
        for number in itertools.count():
            if number == acts:
                os.write(say, b"done")
            if os.getppid() != parent:  # who does not kill any more when he was killed himself
                return
            try:
                async with app.session() as session:
                    await _act(session, draw)
            except ValueError:
                pass


def _lived(folder: Path, seed: int) -> None:
    """Live in a child until it is killed."""
    chance = random.Random(seed)
    acts, delay = chance.randrange(_SURE), chance.random() * _LONGEST_LIFE
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        asyncio.run(_live(folder, random.Random(seed), acts, say))
        os._exit(1)
    os.close(say)
    with os.fdopen(said, "rb", buffering=0) as hearing:
        hearing.read(1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


async def _audited(folder: Path, found: Audit) -> None:
    app = library(folder)
    await app.create()
    async with app:
        found.missing += len(await app.check_files())
        async with app.session() as session:
            for record in [*await session.query(Page.where()), *await session.query(Note.where())]:
                for name in ("scan", "draft", "sheet"):
                    each = getattr(record, name, None)
                    if each is not None:
                        found.files += 1
                        is_there = await each.exists()
                        found.damaged += is_there and hashlib.sha256(await each.content()).hexdigest() != each.sha256
        found.orphans += sum(each.deleted for each in await app.collect_files(grace=0.0))
        found.left += sum(each.orphans for each in await app.collect_files(grace=0.0, dry_run=True))


def fill(folder: Path) -> None:
    """Write one file, and live."""

    async def work() -> None:
        app = library(folder)
        async with app, app.session() as session:
            session.add(Page(id=1, scan=File(b"kept")))

    asyncio.run(work())


def audit(folder: Path, found: Audit) -> None:
    """Look at everything, with a program that was never killed."""
    asyncio.run(_audited(folder, found))
    found.left += len([path for path in folder.rglob(".incoming/*") if path.is_file()])


def run(kills: int, seed: int, each: int = 5) -> Audit:
    """So many lives, and a look at what they left after ``each`` so many."""
    found = Audit()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audit(folder, found)
        for number in range(kills):
            _lived(folder, seed + number)
            found.kills += 1
            if number % each == each - 1 or number == kills - 1:
                audit(folder, found)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = run(given.kills, given.seed)
    print(result)
    raise SystemExit(0 if result.is_clean and result.files else 1)
