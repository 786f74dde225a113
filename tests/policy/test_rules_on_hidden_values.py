"""Rules look at what is stored, also where that is withheld from the user whose change they decide about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Everyone, FieldRights, Holdall, Model, Policy, Ref, Role, User, field
from holdall.errors import Forbidden
from holdall.policy import Rule

pytestmark = pytest.mark.anyio

JOE = User("joe")
SECRET = FieldRights(read=Role("boss"), write=Role("boss"))


class Place(Model):
    id: int = field(pk=True)
    name: str = ""


class Size(msgspec.Struct):
    width: int = 1
    place: Ref[Place | None] = None  # type: ignore[assignment]


class Box(Model):
    id: int = field(pk=True)
    name: str = ""
    weight: int = 0
    size: Size = field(default_factory=Size)
    place: Ref[Place | None] = field(default=None)


class Label(msgspec.Struct):
    box: Ref[Box]


class Item(Model):
    id: int = field(pk=True)
    name: str = ""
    box: Ref[Box | None] = field(default=None)
    label: Label | None = None


BOX: Any = Box
ITEM: Any = Item
ON_BOXES: dict[str, Rule | Any] = {
    "a value": Box.weight > 5,
    "a function": Everyone & (lambda user, box: box.weight > 5),
    "a function on a nested value": Everyone & (lambda user, box: box.size.width > 5),
    "a reference": BOX.place == 1,
    "beyond a reference": BOX.place.name == "here",
    "beyond a reference inside": BOX.size.place.name == "here",
}
ON_ITEMS: dict[str, Rule | Any] = {
    "a value": Item.box.weight > 5,
    "a reference": ITEM.box.place == 1,
    "beyond a reference": ITEM.box.place.name == "here",
    "by a reference inside": ITEM.label.box.weight > 5,
}


async def filled(url: str, boxes: Any, items: Any) -> Holdall:
    app = Holdall("boxes")
    app.add_store("main", url)
    hidden = dict.fromkeys(("weight", "size", "place"), SECRET)
    app.add(Place, store="main", policy=Policy(read=Everyone))
    app.add(Box, store="main", policy=Policy(read=Everyone, create=Everyone, update=boxes, fields=hidden))
    app.add(Item, store="main", policy=Policy(read=Everyone, create=Everyone, update=items))
    await app.create()
    async with app.session() as s:
        s.add_all([Place(id=1, name="here"), Place(id=2, name="there")])
    async with app.session() as s:
        for key, weight in ((1, 9), (2, 1)):
            s.add(Box(id=key, weight=weight, size=Size(weight, _to(key)), place=_to(key)))
    async with app.session() as s:
        s.add_all([Item(id=key, box=_to(key), label=Label(_to(key))) for key in (1, 2)])
    return app


def _to(key: int) -> Any:
    """A key as checkers take it for a reference."""
    return key


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/boxes.db"


@pytest.mark.parametrize("rule", ON_BOXES)
async def test_a_change_is_decided_by_what_is_hidden(url: str, rule: str) -> None:
    app = await filled(url, ON_BOXES[rule], Everyone)
    async with app.session(JOE) as s:
        (await s.require(Box, 1)).name = "new"
    with pytest.raises(Forbidden, match="no right to update box"):
        async with app.session(JOE) as s:
            (await s.require(Box, 2)).name = "new"
    async with app.session() as s:
        boxes = await s.query(Box.where().sort(Box.id))
        assert [(box.name, box.weight, box.size.width) for box in boxes] == [("new", 9, 9), ("", 1, 1)]
    await app.close()


@pytest.mark.parametrize("is_changed", [False, True])
@pytest.mark.parametrize("rule", ON_ITEMS)
async def test_a_change_is_decided_by_what_is_hidden_in_what_it_refers_to(
    url: str, rule: str, is_changed: bool
) -> None:
    app = await filled(url, Everyone, ON_ITEMS[rule])

    async def change(key: int) -> None:
        async with app.session(JOE) as s:
            (await s.require(Item, key)).name = "new"
            if is_changed:
                (await s.require(Box, key)).name = "new"

    await change(1)
    with pytest.raises(Forbidden, match="no right to update item"):
        await change(2)
    await app.close()
