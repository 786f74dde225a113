"""Work that takes longer than a page: told on the page itself, and cancelled by who goes away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import Action, ActionPolicy, Context, Each, Holdall, Role
from holdall.admin import lasting
from tests.support.back_office import Book, library, visitor

pytestmark = pytest.mark.anyio


class Weigh(Action[Book], on=Each):
    """Weigh books, which takes as long as the test wants."""

    async def run(self, context: Context, book: Book) -> float:
        await _Scales.free.wait()
        book.weight = 2.0
        return book.weight


class _Scales:
    free: asyncio.Event


async def _weighing(monkeypatch: pytest.MonkeyPatch) -> tuple[Holdall, Any]:
    _Scales.free = asyncio.Event()
    monkeypatch.setattr(lasting, "SOON", 0.0)

    def declare(app: Holdall) -> None:
        app.add_action(Weigh, policy=ActionPolicy(see=Role("editor"), execute=Role("editor")))

    app, service, _ = await library(before=declare)
    return app, service


async def test_an_action_that_lasts_tells_its_result_on_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    app, service = await _weighing(monkeypatch)
    eve = await visitor(service, "eve")
    page = await eve.open("/admin/bulk/books?_act=act.weigh&_which=all")
    asyncio.get_running_loop().call_later(0.05, _Scales.free.set)
    page = await eve.submit(page, page.form().inputs)
    assert page.html.index("Under way") < page.html.index("office-outcome") < page.html.index("office-over")
    assert "Done." in page.text
    async with app.session() as session:
        assert await session.count(Book.where(Book.weight == 2.0)) == 5


async def test_who_leaves_the_page_cancels_the_action(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = await _weighing(monkeypatch)
    work = asyncio.create_task(_Scales.free.wait())
    assert not await lasting.done_soon(work)
    sent = list[Any]()

    async def send(message: Any) -> None:
        sent.append(message)

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    await lasting.Lasting(work, "head", str, "tail")({}, gone, send)
    assert [message.get("body") for message in sent] == [None, b"head"]
    assert work.cancelled()
    await app.close()
