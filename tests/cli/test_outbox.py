"""``holdall outbox``: an operator looks at events that wait, and at dead letters, and deals with them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import run

pytestmark = pytest.mark.anyio

_SHOP = """
from pathlib import Path

from holdall import Holdall, Model, field

here = Path(__file__).parent


class Order(Model):
    id: int = field(pk=True)
    state: str = "new"


app = Holdall("shop")
app.add_store("main", f"sqlite:///{here}/main.db")
app.add(Order, store="main")


@app.after(Order.created, name="ship", attempts=1)
async def ship(event):
    if (here / "closed").exists():
        raise RuntimeError("closed")
    if event.new["state"] == "hostile":
        raise RuntimeError("red \\x1b[31m\\nmain:2  waiting")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "orders.py").write_text(_SHOP)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("orders", None)
    yield tmp_path
    sys.modules.pop("orders", None)


def _told(folder: Path, *words: str) -> str:
    said = run(folder, "holdall", "outbox", *words)
    return said.output + said.errors


async def test_an_operator_deals_with_events(folder: Path) -> None:
    shop: Any = importlib.import_module("orders")
    await shop.app.create()
    async with shop.app.session() as session:
        session.add_all([shop.Order(id=number) for number in (1, 2)])
    await shop.app.close()
    listed = _told(folder, "list", "orders:app")
    assert "main:1.0  waiting  ship  order 1 created" in listed
    (folder / "closed").touch()
    assert "delivered 0, tried in vain 0, dead 2, waiting 0" in _told(folder, "deliver", "orders:app")
    assert "main:1.1  dead" in _told(folder, "list", "orders:app", "--dead", "--handler", "ship")
    shown = _told(folder, "show", "orders:app", "main:1.0")
    assert "main:1.0: dead, for 'ship', at try 1 (RuntimeError: closed)" in shown
    assert "fields: id, state" in shown
    assert "by 'system'" in shown
    (folder / "closed").unlink()
    assert "main:1.0 will be delivered again" in _told(folder, "retry", "orders:app", "main:1.0")
    assert "main:1.1 is forgotten" in _told(folder, "drop", "orders:app", "main:1.1")
    assert "delivered 1," in _told(folder, "deliver", "orders:app")
    assert "no event waits" in _told(folder, "list", "orders:app")
    assert "main:1.0" in _told(folder, "show", "orders:app", "main:1.0")


async def test_several_events_are_dealt_with_at_once(folder: Path) -> None:
    shop: Any = importlib.import_module("orders")
    await shop.app.create()
    async with shop.app.session() as session:
        session.add_all([shop.Order(id=number) for number in (1, 2, 3)])
    await shop.app.close()
    (folder / "closed").touch()
    _told(folder, "deliver", "orders:app")
    said = _told(folder, "retry", "orders:app", "main:1.0", "main:99", "main:1.2")
    assert "main:1.0 will be delivered again\nmain:1.2 will be delivered again\n" in said
    assert "no waiting event with key 'main:99'; holdall outbox list orders:app prints the ids of those" in said
    listed = _told(folder, "list", "orders:app").splitlines()
    assert [each.split()[:2] for each in listed] == [
        ["main:1.0", "waiting"],
        ["main:1.1", "dead"],
        ["main:1.2", "waiting"],
    ]
    assert "main:1.1 is forgotten\nmain:1.2 is forgotten\n" in _told(
        folder, "drop", "orders:app", "main:1.1", "main:1.2"
    )


async def test_an_error_is_one_line_that_says_nothing_to_the_terminal(folder: Path) -> None:
    shop: Any = importlib.import_module("orders")
    await shop.app.create()
    async with shop.app.session() as session:
        session.add(shop.Order(id=1, state="hostile"))
    await shop.app.close()
    _told(folder, "deliver", "orders:app")
    for words in (["list", "orders:app"], ["show", "orders:app", "main:1"]):
        told = _told(folder, *words)
        assert "(RuntimeError: red \\x1b[31m\\nmain:2  waiting)" in told
        assert "\x1b" not in told
