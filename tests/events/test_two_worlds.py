"""Two worlds that differ only in what a reader may not see: his stream of events says the same in both."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from holdall import Everyone, FieldRights, Holdall, Model, Owner, Policy, Role, field
from tests.events.test_streams import following_of, who

pytestmark = pytest.mark.anyio


class Deed(Model, collection="deeds"):
    id: int = field(pk=True)
    owner: str = ""
    title: str = ""
    price: int = 0  # hidden from all but the boss


def _deeds(draw: random.Random) -> list[tuple[str, int, dict[str, Any]]]:
    """Acts on six records, of which the reader sees those that are his."""
    acts: list[tuple[str, int, dict[str, Any]]] = []
    there: set[int] = set()
    for _ in range(60):
        key = draw.randrange(6)
        if key not in there:
            acts.append(("add", key, {"owner": draw.choice(["ann", "tom"]), "title": str(draw.random())}))
            there.add(key)
        elif draw.random() < 0.2:
            acts.append(("remove", key, {}))
            there.discard(key)
        else:
            names = draw.sample(["owner", "title", "price"], draw.randrange(1, 3))
            values: dict[str, Any] = {
                "owner": draw.choice(["ann", "tom"]),
                "title": str(draw.random()),
                "price": draw.randrange(99),
            }
            if values["owner"] == "ann" and "owner" in names and "title" not in names:
                names.append("title")  # she may see the one that it has from then on
            acts.append(("change", key, {name: values[name] for name in names}))
    return acts


async def _told(acts: list[tuple[str, int, dict[str, Any]]], secrets: random.Random) -> list[tuple[str, Any]]:
    """The events of ann's stream; records of others, and prices, are drawn from the secrets of this world."""
    app = Holdall("deeds")
    app.add_store("main", "memory:")
    policy = Policy(read=Owner("owner"), write=Everyone, fields={"price": FieldRights(read=Role("boss"))})
    app.add(Deed, store="main", policy=policy)
    app.add_feed(Deed)
    owners: dict[int, str] = {}
    async with following_of(app.asgi(authenticate=who), "/deeds/events", "ann") as stream:
        for verb, key, values in acts:
            owners[key] = values.get("owner", owners.get(key, ""))
            hidden: dict[str, Any] = {"price": secrets.randrange(1_000)} if "price" in values or verb == "add" else {}
            if owners[key] != "ann" and "title" in values:
                hidden["title"] = f"secret {secrets.random()}"
            async with app.session() as session:
                if verb == "add":
                    session.add(Deed(id=key, **values | hidden))
                    continue
                deed = await session.require(Deed, key)
                if verb == "remove":
                    session.remove(deed)
                for name, value in (values | hidden).items():
                    setattr(deed, name, value)
        async with app.session() as session:
            session.add(Deed(id=99, owner="ann", title="the last one"))
        while not stream.kinds or stream.kinds[-1][1] != 99:
            await stream.has(len(stream.events) + 1)
        found = [
            (name, {each: data[each] for each in data if each not in ("id", "at")}) for name, _, data in stream.events
        ]
        assert not re.search(rb"secret|price", stream.text)
    await app.close()
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_a_reader_cannot_tell_the_worlds_apart(seed: int) -> None:
    acts = _deeds(random.Random(seed))
    one, other = [await _told(acts, random.Random(world)) for world in (seed + 100, seed + 200)]
    assert one == other
    assert len(one) > 5
