"""Moves over the same road again: rows that former moves and dying movers have left mislead nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from holdall import Event, Holdall, Model, OnDelete, Ref, field
from holdall.app import MoveReport
from holdall.app.moving import MovePoint
from holdall.app.moving.fences import Fences
from holdall.app.moving.mover import Mover
from holdall.app.moving.rows import Position, note_name, read_row
from holdall.errors import CommitAborted, StateError, StoreUnavailable
from holdall.query import Query
from holdall.session.commit.failpoint import arm
from holdall.store import Change, Store
from tests.support.moving_writers import Counted, application

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The end of a process, as far as the code that is stopped can tell."""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Holdall]:
    """Three records in the store main."""
    app = application({name: f"sqlite:///{tmp_path}/{name}.db" for name in ("main", "other", "third")}, "main")
    await app.create()
    async with app.session() as session:
        session.add_all([Counted(id=key, code=f"c{key}") for key in range(1, 4)])
    yield app
    await app.close()


async def move(app: Holdall, to: str) -> MoveReport:
    return await app.move(Counted, to=to, dry_run=False, batch=2)


async def count(app: Holdall) -> int:
    """Count the first record up, and return what it came to."""
    async with app.session() as session:
        first = await session.require(Counted, 1)
        first.count += 1
    return first.count


async def killed_in_copying(app: Holdall, to: str) -> None:
    def kill(reached: object) -> None:
        if reached is MovePoint.COPIED:
            raise Killed

    arm(kill)
    try:
        with pytest.raises(Killed):
            await move(app, to)
    finally:
        arm(None)


async def move_and_die_at_the_very_end(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Move to the store other, and die when everybody was sent there and the store was not told."""
    written = Mover.write

    async def write(self: Mover, changes: Sequence[Change], **moved: object) -> None:
        if moved.get("state") == "moved":
            raise Killed
        await written(self, changes, **moved)

    with monkeypatch.context() as patch:
        patch.setattr(Mover, "write", write)
        with pytest.raises(Killed):
            await move(app, "other")


async def test_there_and_back_and_there_again(app: Holdall) -> None:
    for number, to in enumerate(("other", "main", "other", "main"), 1):
        assert (await move(app, to)).copied == 3
        assert app.bindings.of_model(Counted).store.name == to
        assert await count(app) == number
    await app.end_move(Counted, source="other")
    assert (await move(app, "other")).compared == 3
    assert await count(app) == 5
    assert (await app.end_move(Counted, source="main")).state == "ended"
    assert await count(app) == 6


async def test_progress_is_told_after_each_batch_that_is_copied_or_compared(app: Holdall) -> None:
    told = list[MoveReport]()
    await app.move(Counted, to="other", dry_run=False, batch=2, progress=told.append)
    assert [each.copied for each in told if each.state == "copying"] == [2, 3]
    assert [each.compared for each in told if each.compared] == [2, 3]


async def test_a_mover_that_dies_at_the_very_end_stands_in_nobodys_way(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    await move_and_die_at_the_very_end(app, monkeypatch)
    assert await count(app) == 1
    await move(app, "main")
    assert await count(app) == 2
    with pytest.raises(StateError, match="is not being moved"):
        await app.cancel_move(Counted, to="other")
    await move_and_die_at_the_very_end(app, monkeypatch)
    assert await count(app) == 3
    assert (await app.end_move(Counted, source="main")).state == "ended"
    assert await count(app) == 4


@pytest.mark.parametrize("is_written", [True, False])
async def test_writers_go_on_only_where_the_switch_was_not_written(
    is_written: bool, app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = app.stores["other"].apply

    async def apply(changes: Sequence[Change]) -> object:
        is_switch = any("switching" in change.values for change in changes)
        found = await applied(changes) if is_written or not is_switch else None
        if is_switch:
            raise StoreUnavailable("other", "the connection was lost", is_outcome_unknown=True)
        return found

    monkeypatch.setattr(app.stores["other"], "apply", apply)
    with pytest.raises(StoreUnavailable):
        await move(app, "other")
    monkeypatch.undo()
    if is_written:
        async with app.session() as session:
            (await session.require(Counted, 1)).count += 1
            with pytest.raises(CommitAborted, match="the move of counted to store 'other'"):
                await session.commit(timeout=0.3)
            session.rollback()
    else:
        assert await count(app) == 1
    await move(app, "other")
    assert await count(app) == (1 if is_written else 2)


async def test_a_mover_that_wakes_up_in_the_next_move_writes_nothing(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    movers, taken = list[Mover](), Mover.take

    async def take(self: Mover, *given: object, **named: object) -> None:
        movers.append(self)
        await taken(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Mover, "take", take)
    await killed_in_copying(app, "other")
    await app.cancel_move(Counted, to="other")
    await killed_in_copying(app, "other")
    now = await read_row(app.stores["other"], Position, "counted")
    assert now is not None
    assert now.id != movers[0].position.id
    with pytest.raises(StateError, match="was taken over by another program"):
        await movers[0].write([], copied=1)
    assert await read_row(app.stores["other"], Position, "counted") == now


async def test_a_move_that_was_refused_leaves_nothing_to_the_next_one(app: Holdall) -> None:
    await killed_in_copying(app, "other")
    with pytest.raises(StateError, match="is being moved to store 'other'; end or cancel that first"):
        await move(app, "third")
    with pytest.raises(StateError, match="is not being moved"):
        await app.cancel_move(Counted, to="third")
    await move(app, "other")
    await move(app, "third")
    assert await count(app) == 1
    assert app.bindings.of_model(Counted).store.name == "third"


async def test_of_two_that_begin_at_once_one_is_told(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Mover.take

    async def take(self: Mover, *given: object, **named: object) -> None:
        monkeypatch.undo()
        await taken(self, *given, **named)  # type: ignore[arg-type]
        await killed_in_copying(app, "other")  # faster

    monkeypatch.setattr(Mover, "take", take)
    with pytest.raises(StateError, match="is being moved to store 'other'; end or cancel that first"):
        await move(app, "third")
    assert await count(app) == 1
    assert (await app.cancel_move(Counted, to="third")).state == "cancelled"
    notes = await app.stores["main"].fetch(Query(note_name("counted")))
    assert len(notes) == 1  # of the other move
    await move(app, "other")
    await move(app, "third")
    assert await count(app) == 2
    assert app.bindings.of_model(Counted).store.name == "third"


async def test_cancelling_that_was_killed_is_no_copying(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    lifted = Fences.lift
    for is_before in (True, False):
        await killed_in_copying(app, "other")

        async def lift(self: Fences, store: Store, held: str, is_first: bool = is_before) -> None:
            if is_first or store is app.stores["other"]:
                raise Killed
            await lifted(self, store, held)

        with monkeypatch.context() as patch:
            patch.setattr(Fences, "lift", lift)
            with pytest.raises(Killed):
                await app.cancel_move(Counted, to="other")
        assert (await move(app, "other")).compared == 3
        await move(app, "main")
    assert await count(app) == 1


class Play(Model, collection="play"):
    id: int = field(pk=True)
    counted: Ref[Counted] = field(on_delete=OnDelete.RESTRICT)


async def test_what_others_refer_to_by_a_foreign_key_moves_back(app: Holdall) -> None:
    app.add(Play, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Play(id=1, counted=1))
    await app.move(Counted, to="other", dry_run=False, accept=["foreign key play.counted"])
    assert await count(app) == 1
    async with app.session() as session:
        session.remove(await session.require(Counted, 3))
        session.add(Counted(id=4, code="c3"))
    losses = [each.name for each in (await app.move(Counted, to="main")).losses]
    assert (await app.move(Counted, to="main", dry_run=False, accept=losses, batch=2)).compared == 3
    assert await count(app) == 2
    async with app.session() as session:
        assert sorted([each.id for each in await session.query(Counted.where())]) == [1, 2, 4]


@pytest.mark.parametrize("is_removal", [False, True])
async def test_a_bulk_change_of_before_is_made_in_the_new_store(is_removal: bool, app: Holdall) -> None:
    async with app.session() as session:
        if is_removal:
            await session.delete(Counted.where(Counted.id > 1))
        else:
            await session.update(Counted.where(Counted.id > 1), count=7)
        await move(app, "other")
        assert (await session.commit()).affected == (2,)
    async with app.session() as session:
        found = {each.id: each.count for each in await session.query(Counted.where())}
    assert found == ({1: 0} if is_removal else {1: 0, 2: 7, 3: 7})


async def test_events_of_before_are_delivered_from_the_store_that_was_left(app: Holdall) -> None:
    told = list[object]()

    @app.after(Counted.changed("count"), name="tell")
    async def tell(event: Event) -> None:
        told.append(event.new["count"])

    await app.create()
    await count(app)
    await move(app, "other")
    await count(app)
    assert (await app.outbox.deliver()).delivered == 2
    assert sorted(map(str, told)) == ["1", "2"]
    assert [entry async for entry in app.outbox.entries()] == []


async def test_what_is_being_moved_back_is_not_dropped(app: Holdall) -> None:
    await move(app, "other")
    await killed_in_copying(app, "main")
    with pytest.raises(StateError, match="is being moved back to store 'main'"):
        await app.end_move(Counted, source="main")
    await move(app, "main")
    assert await count(app) == 1
