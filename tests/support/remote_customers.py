"""Customers of somebody else's API, for tests that undo calls to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from holdall import Holdall, Model, field
from holdall.session import Compensation
from holdall.session.journal.log_record import CallState, LogRecord
from holdall.store import Change, CommitClass, Verb
from tests.support.remote_store import Remote

__all__ = ["Customer", "customers", "states"]


class Customer(Model):
    id: int = field(pk=True)
    name: str


@asynccontextmanager
async def customers(
    folder: Path, kind: CommitClass, compensation: Compensation | None
) -> AsyncIterator[tuple[Holdall, Remote]]:
    """An application of customers alone, one of them there already."""
    app = Holdall("bank", journal=f"sqlite:///{folder / 'journal.db'}")
    remote = Remote("remote", kind)
    app.add_store("remote", remote)
    app.add(Customer, store="remote", compensation=compensation)
    app.bindings.configure()
    await remote.apply([_addition("token", 1)])
    remote.log.clear()
    try:
        yield app, remote
    finally:
        await app.close()


def _addition(token: str, key: int) -> Change:
    return Change(Verb.ADD, "customer", key, ("id", "name"), (key, "c"), None, token)


def states(entry: LogRecord) -> list[CallState]:
    """What became of each call."""
    return [item.state for part in entry.parts for item in part.operations]
