"""A call of the sync facade that a signal interrupts is cancelled, and nothing of it goes on after that."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from holdall import Holdall, Model, field
from holdall.dao import DAO
from holdall.session.sync_session import SyncSession


class TimeIsUp(Exception):
    """What Celery raises for its soft time limit, as Ctrl-C raises KeyboardInterrupt."""


class Order(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)


class OrderDAO(DAO[Order]):
    """Its calls hang, and the time is up once they do; ``ended`` says how each came to its end."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def get(self, *, id: int) -> Order | None:  # noqa: A002 - the name of the key
        await self._hang()

    async def add(self, order: Order) -> None:
        await self._hang()

    async def _hang(self) -> NoReturn:
        os.kill(os.getpid(), signal.SIGUSR1)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        raise AssertionError


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    def handle(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeIsUp

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def dao() -> OrderDAO:
    return OrderDAO()


@pytest.fixture
def app(dao: OrderDAO, tmp_path: Path) -> Iterator[Holdall]:
    app = Holdall("shop", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Note, store="main")
    app.add_dao(dao)
    app.sync.create()
    yield app
    app.sync.close()


def _read(session: SyncSession) -> None:
    session.get(Order, 1)


def _commit(session: SyncSession) -> None:
    session.add(Order(id=1))
    session.commit()


def _leave(session: SyncSession) -> None:
    session.add(Order(id=1))


def _leave_with_more(session: SyncSession) -> None:
    session.add_all([Order(id=1), Note(id=1)])


@pytest.mark.parametrize("act", [_read, _commit, _leave, _leave_with_more])
def test_what_was_called_is_over_when_the_exception_arrives(
    app: Holdall, dao: OrderDAO, act: Callable[[SyncSession], None]
) -> None:
    with pytest.raises(TimeIsUp), app.sync.session() as session:
        act(session)
    assert dao.ended == ["cancelled"]
    with app.sync.session() as session:
        assert session.count(Note.where()) == 0
