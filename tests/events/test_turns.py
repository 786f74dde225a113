"""Events in order for each record, where commits come up later than others that were begun after them."""

from __future__ import annotations

import asyncio

import pytest

from holdall import Event, Holdall
from holdall.events import delivery
from tests.support.event_library import Book, changed_books

pytestmark = pytest.mark.anyio

_PAGE = 3


@pytest.mark.parametrize("app", ["postgres", "mariadb", "mongo"], indirect=True)
async def test_a_commit_that_comes_up_behind_a_page_comes_before_later_ones_of_its_record(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_PAGE", _PAGE)
    slow, *others = await changed_books(app, 2 * _PAGE)
    told, is_called, may_go_on = list[tuple[int, str]](), asyncio.Event(), asyncio.Event()

    @app.after(Book.changed("title"), name="tell")
    async def tell(event: Event) -> None:
        told.append((event.key, event.new["title"]))
        is_called.set()
        await may_go_on.wait()

    async def retitle(key: int, title: str) -> None:
        async with app.session() as session:
            (await session.require(Book, key)).title = title

    await app.create()
    async with app.session() as session, session.transaction():
        (await session.require(Book, slow.id)).title = "first"
        await session.flush()
        for other in others:
            await retitle(other.id, "other")
        delivering = asyncio.create_task(app.outbox.deliver())
        await is_called.wait()
    await retitle(slow.id, "second")
    may_go_on.set()
    await delivering
    await app.outbox.deliver()
    assert [title for key, title in told if key == slow.id] == ["first", "second"]
    assert len(told) == len(others) + 2
