"""A bank over three stores: accounts in SQLite, notes in YAML, customers behind somebody else's API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holdall import Holdall, Model, Ref, field
from holdall.errors import (
    Conflict,
)
from holdall.store import Change, CommitClass
from tests.support.remote_store import Remote


class Note(Model):
    code: str = field(pk=True)
    text: str = ""
    version: int = field(version=True)


class Account(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True)
    note: Ref[Note | None] = field(default=None)
    version: int = field(version=True)


class Customer(Model):
    id: int = field(pk=True, generated=True)
    name: str
    account: Ref[Account | None] = field(default=None)


class Slip(Model):
    id: int = field(pk=True, generated=True)
    customer: Ref[Customer | None] = field(default=None)


class Memo(Model):
    """In files, and referring to what gets its key in a database."""

    code: str = field(pk=True)
    account: Ref[Account]


@asynccontextmanager
async def opened(
    folder: Path,
    kind: CommitClass = CommitClass.ONCE,
    compensation: Any = None,
    *,
    slips: str = "remote",
    lease: float = 0.2,
) -> AsyncIterator[tuple[Holdall, Remote]]:
    """Accounts in SQLite, notes in YAML, customers and slips behind somebody else's API."""
    app = Holdall("bank", journal=f"sqlite:///{folder / 'journal' / 'local.db'}", lease=lease)
    remote = Remote("remote", kind)
    app.add_store("main", f"sqlite:///{folder / 'main.db'}", synchronous="off")
    app.add_store("files", f"yaml:{folder / 'notes'}")
    app.add_store("remote", remote)
    if slips not in app.stores:
        app.add_store(slips, f"sqlite:///{folder / slips}.db", synchronous="off")
    app.add(Note, Memo, store="files")
    app.add(Account, store="main")
    app.add(Customer, store="remote", compensation=compensation)
    app.add(Slip, store=slips, compensation=compensation if slips == "remote" else None)
    try:
        await app.create()
        yield app, remote
    finally:
        await app.close()


async def counts(app: Holdall) -> list[int]:
    async with app.session() as session:
        return [
            await session.count(Note.where()),
            await session.count(Account.where()),
            await session.count(Customer.where()),
        ]


async def is_over(app: Holdall) -> bool:
    return not await app.recovery.unfinished()


def refuse(what: str) -> Callable[[Change], BaseException | None]:
    return lambda change: Conflict("remote", "no") if what in change.values else None


class Away:
    """What stands before the files of a bank once a commit is decided; ``error`` None lets everything through."""

    def __init__(self, store: Any, error: Callable[[], Exception]) -> None:
        self.error: Callable[[], Exception] | None = error
        self._commit_prepared = store.commit_prepared
        store.commit_prepared = self.commit_prepared

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        if self.error is not None:
            raise self.error()
        return bool(await self._commit_prepared(commit, changes))


def before_files(app: Holdall, error: Callable[[], Exception]) -> Away:
    """Let the files of the bank raise this error for every part of a decided commit."""
    return Away(app.stores["files"], error)
