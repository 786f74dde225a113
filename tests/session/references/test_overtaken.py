"""What a commit brings along is worked out anew where others were faster, with and without versions.

Others commit between the look of a commit at what refers to its records and its writing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from holdall import Fill, Holdall, Many, Model, OnDelete, Ref, back, field
from holdall.errors import CommitPartial
from holdall.store import CommitClass, Provisioned
from holdall.testing.wrapping import wrap_store
from tests.support.stand_in_stores import Overtaken

pytestmark = pytest.mark.anyio


class Room(Model):
    id: int = field(pk=True)
    items: Many[Item] = back("room", on_delete=OnDelete.CASCADE)
    stays: Many[Item] = back("spare", on_delete=OnDelete.UNLINK)
    key: Ref[Key | None] = back("room", on_delete=OnDelete.UNLINK)
    boxes: Many[Box] = back("room", fill=Fill.STORED, on_delete=OnDelete.CASCADE)


class Item(Model):
    id: int = field(pk=True)
    note: str = ""
    room: Ref[Room] = field(index=True)
    spare: Ref[Room | None] = field(default=None, index=True)


class Key(Model):
    id: int = field(pk=True)
    room: Ref[Room | None] = field(default=None)


class Box(Model):
    id: int = field(pk=True)
    note: str = ""
    room: Ref[Room | None] = field(default=None, index=True)


class Hall(Model):
    id: int = field(pk=True)
    seats: Many[Seat] = back("hall", on_delete=OnDelete.CASCADE)


class Seat(Model):
    id: int = field(pk=True)
    note: str = ""
    hall: Ref[Hall] = field(index=True)
    version: int = field(version=True)


Act: TypeAlias = Callable[[Any], Awaitable[None]]
KINDS = ["memory", "sqlite", "yaml", "redis", "postgres", "mariadb", "mongo", "standalone_mongo"]


class World:
    """Rooms and what is in them; ``overtaken`` runs an act while somebody else's comes in between."""

    def __init__(self, app: Holdall, stores: list[Overtaken]) -> None:
        self.app = app
        self.stores = stores
        self.is_called = all(store.capabilities.commit is CommitClass.IDEMP for store in stores)

    async def overtaken(self, act: Act, meanwhile: Act) -> None:
        async def others() -> None:
            for store in self.stores:
                store.meanwhile = None
            async with self.app.session() as session:
                await meanwhile(session)

        async with self.app.session() as session:
            await act(session)
            for store in self.stores:
                store.meanwhile = others
            try:
                await session.commit()
            except CommitPartial:  # of calls some may have been made, and the rest is still to be committed
                if not self.is_called:
                    raise

    async def keys(self, model: Any, name: str) -> dict[int, Any]:
        """The reference of each record, or the sorted keys of its list."""
        async with self.app.session() as session:
            return {
                record.id: sorted(slot.keys) if hasattr(slot, "keys") else slot.key
                for record in await session.query(model.where())
                for slot in (getattr(record, name),)
            }


@pytest.fixture(params=[*KINDS, "sqlite redis", "yaml sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    kinds, app = request.param.split(), Holdall("house", journal=f"sqlite:///{tmp_path}/journal.db")
    for kind in kinds:
        local = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/main.db", "yaml": f"yaml:{tmp_path}/files"}
        url = local.get(kind) or request.getfixturevalue(f"{kind}_url")
        options: dict[str, Any] = {"prefix": tmp_path.name, "scan_limit": 1000} if kind == "redis" else {}
        app.add_store(kind, url, **options)
    app.add(Room, Hall, store=kinds[0])
    app.add(Item, Key, Box, Seat, store=kinds[-1])
    await app.create()
    async with app.session() as session:
        session.add_all(Room(id=number) for number in (1, 2, 3))
        session.add_all(Hall(id=number) for number in (1, 2))
        session.add_all([Item(id=1, room=1, spare=1), Item(id=2, room=2), Key(id=1, room=1), Key(id=2)])
        session.add_all([Box(id=1, room=1), Box(id=2, room=1), Seat(id=1, hall=1)])
    try:
        yield World(app, [wrap_store(app, kind, Overtaken) for kind in kinds])
    finally:
        for store in app.stores.values():
            if isinstance(store, Provisioned):
                await store.drop()
        await app.close()


async def _set(session: Any, model: Any, key: int, **values: Any) -> None:
    record = await session.require(model, key)
    for name, value in values.items():
        setattr(record, name, value)


async def test_what_has_moved_away_does_not_go_with_what_it_referred_to(world: World) -> None:
    async def clear(session: Any) -> None:
        session.remove(await session.require(Room, 1))

    await world.overtaken(clear, lambda session: _set(session, Item, 1, room=2, spare=3))
    assert await world.keys(Item, "room") == {1: 2, 2: 2}
    assert await world.keys(Item, "spare") == {1: 3, 2: None}
    assert sorted(await world.keys(Room, "boxes")) == [2, 3]
    assert (await world.app.fsck()).is_whole


async def test_what_has_moved_away_stays_though_the_session_had_read_it(world: World) -> None:
    async def clear(session: Any) -> None:
        await session.query(Item.where())
        session.remove(await session.require(Room, 1))

    await world.overtaken(clear, lambda session: _set(session, Item, 1, room=2, spare=3))
    assert await world.keys(Item, "room") == {1: 2, 2: 2}
    assert await world.keys(Item, "spare") == {1: 3, 2: None}


async def test_one_that_gives_way_and_has_gone_elsewhere_stays_there(world: World) -> None:
    await world.overtaken(lambda session: _set(session, Key, 2, room=1), lambda session: _set(session, Key, 1, room=3))
    assert await world.keys(Key, "room") == {1: 3, 2: 1}


async def test_one_that_is_taken_away_at_the_other_end_and_has_gone_elsewhere_stays_there(world: World) -> None:
    async def take(session: Any) -> None:
        (await session.require(Room, 1)).stays.remove(1)

    await world.overtaken(take, lambda session: _set(session, Item, 1, spare=3))
    assert await world.keys(Item, "spare") == {1: 3, 2: None}


async def test_stored_lists_follow_one_that_two_move_at_once(world: World) -> None:
    await world.overtaken(
        lambda session: _set(session, Box, 1, room=2, note="mine"),
        lambda session: _set(session, Box, 1, room=3, note="theirs"),
    )
    assert await world.keys(Box, "room") == {1: 2, 2: 1}
    assert await world.keys(Room, "boxes") == {1: [2], 2: [1], 3: []}


async def test_stored_lists_follow_one_that_is_moved_and_removed_at_once(world: World) -> None:
    async def remove(session: Any) -> None:
        session.remove(await session.require(Box, 1))

    await world.overtaken(remove, lambda session: _set(session, Box, 1, room=3))
    assert await world.keys(Box, "room") == {2: 1}
    assert await world.keys(Room, "boxes") == {1: [2], 2: [], 3: []}


async def test_what_goes_with_another_goes_though_it_was_changed_meanwhile(world: World) -> None:
    async def clear(session: Any) -> None:
        session.remove(await session.require(Hall, 1))

    await world.overtaken(clear, lambda session: _set(session, Seat, 1, note="new"))
    assert await world.keys(Seat, "hall") == {}


async def test_what_is_put_on_a_stored_list_meanwhile_goes_too(world: World) -> None:
    async def clear(session: Any) -> None:
        session.remove(await session.require(Room, 1))

    async def put(session: Any) -> None:
        session.add(Box(id=3, room=1))

    await world.overtaken(clear, put)
    assert await world.keys(Box, "room") == {}
    assert await world.keys(Room, "boxes") == {2: [], 3: []}


@pytest.mark.parametrize("world", ["memory", "sqlite", "yaml", "postgres", "mariadb"], indirect=True)
async def test_what_comes_to_refer_meanwhile_goes_or_is_unlinked_too(world: World) -> None:
    """Where one store keeps both ends; elsewhere fsck finds who came in between."""

    async def clear(session: Any) -> None:
        session.remove(await session.require(Room, 1))

    async def put(session: Any) -> None:
        session.add_all([Item(id=3, room=1), Item(id=4, room=2, spare=1)])

    await world.overtaken(clear, put)
    assert await world.keys(Item, "room") == {2: 2, 4: 2}
    assert await world.keys(Item, "spare") == {2: None, 4: None}


async def test_an_edit_of_something_else_meanwhile_stays(world: World) -> None:
    async def clear(session: Any) -> None:
        session.remove(await session.require(Room, 1))

    await world.overtaken(clear, lambda session: _set(session, Item, 2, note="new"))
    assert await world.keys(Item, "room") == {2: 2}
