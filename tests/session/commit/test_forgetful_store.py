"""A store that may forget its records and its count: that is said, and keys never begin again below those in use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.stores.redis import RedisStore

pytestmark = pytest.mark.anyio


class Visit(Model):
    id: int = field(pk=True, generated=True)
    page: str


class Payment(Model):
    id: int = field(pk=True, generated=True)
    visit: Ref[Visit]


class Banner(Model):
    code: str = field(pk=True)


@pytest.fixture
def app(tmp_path: Path, redis_url: str) -> Holdall:
    app = Holdall("shop", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("cache", redis_url, prefix=tmp_path.name)
    app.add(Payment, store="main")
    app.add(Visit, Banner, store="cache")
    return app


async def _forget(app: Holdall) -> None:
    """Let Redis be as after a restart without persistence."""
    store: Any = app.stores["cache"]
    await store.drop()


async def test_keys_never_begin_again_below_those_that_are_referred_to(app: Holdall) -> None:
    await app.create()
    for number in range(3):
        async with app.session() as session:
            session.add(Payment(visit=session.add(Visit(page=str(number)))))
    await _forget(app)
    async with app.session() as session:  # the process has seen larger keys
        visit = session.add(Visit(page="later"))
    assert visit.id == 4
    async with app.session() as session:
        session.add(Payment(visit=visit.id))
    await _forget(app)
    other = Holdall("shop", journal="sqlite://")  # a process that has seen none
    other.stores.update(app.stores)
    other.add(Payment, store="main")
    other.add(Visit, store="cache")
    async with other.session() as session:
        first, second = session.add_all([Visit(page="a"), Visit(page="b")])
    assert [first.id, second.id] == [5, 6]
    await other.close()
    await app.close()


async def test_what_a_store_does_not_promise_is_said(
    app: Holdall, caplog: pytest.LogCaptureFixture, redis_url: str
) -> None:
    store = app.stores["cache"]
    assert isinstance(store, RedisStore)
    await app.create()
    async with app.session() as session:
        session.add(Payment(visit=1))
        session.add(Banner(code="a"))
        assert "disk" not in str(session.plan())  # not read yet
        (sentence,) = (await app.durability()).values()
        assert "disk" in sentence
        assert f"cache: {sentence}" in str(session.plan())
        assert session.plan().shortfalls == {"cache": sentence}
        session.rollback()
    with caplog.at_level(logging.WARNING, "holdall"):
        await app.start()
        assert app._background._telling is not None
        await app._background._telling
    assert sentence in caplog.text
    await app.close()
