"""Collections that move while they are written: nothing is lost or doubled, whoever stops or has not heard."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, field
from holdall.app import MoveReport
from holdall.app.moving import MovePoint
from holdall.app.moving.catching_up import CatchingUp
from holdall.app.moving.known_moves import KnownMoves
from holdall.errors import CommitAborted, DeclarationError, NotFound, Reserved, StateError, Unsupported
from holdall.query import Query
from holdall.session.commit.failpoint import arm
from holdall.store import Change, Preparable, Reservation
from holdall.testing.service_client import AsyncServiceClient
from tests.support.moving_trial import losses_of, trial
from tests.support.moving_writers import Counted, application

pytestmark = pytest.mark.anyio


class Band(Model, collection="band"):
    id: int = field(pk=True, generated=True)
    name: str = ""
    tracks: Many[Track] = back("band")


class Track(Model, collection="track"):
    id: int = field(pk=True, generated=True)
    title: str
    rank: int | None = field(default=None, unique=True)
    band: Ref[Band | None] = field(default=None)


class Sheet(Model, collection="sheet"):
    id: int = field(pk=True)
    cells: dict[str, Any]


class Killed(BaseException):
    """The end of a process, as far as the code that is stopped can tell."""


def stores_in(folder: Path) -> dict[str, str]:
    return {"main": f"sqlite:///{folder}/main.db", "other": f"sqlite:///{folder}/other.db", "files": f"yaml:{folder}/y"}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Holdall]:
    """Ten records in the store main."""
    app = application(stores_in(tmp_path), "main")
    await app.create()
    async with app.session() as session:
        session.add_all([Counted(id=key, code=f"c{key}") for key in range(1, 11)])
    yield app
    await app.close()


@pytest.fixture
async def second(tmp_path: Path, app: Holdall) -> AsyncIterator[Holdall]:
    """Another process with the same settings, as far as stores can tell."""
    second = application(stores_in(tmp_path), "main")
    yield second
    await second.close()


async def move(app: Holdall, to: str, **options: object) -> MoveReport:
    return await app.move(Counted, to=to, dry_run=False, accept=await losses_of(app, to), batch=3, **options)  # type: ignore[arg-type]


async def counts(app: Holdall) -> dict[int, int]:
    async with app.session() as session:
        return {each.id: each.count for each in await session.query(Counted.where())}


async def count(app: Holdall, key: int) -> None:
    async with app.session() as session:
        (await session.require(Counted, key)).count += 1


async def rows_in(app: Holdall, store: str) -> int:
    return len(await app.stores[store].fetch(Query("counted")))


async def fences(app: Holdall) -> list[Reservation]:
    """The fences that stand around the collection in any store."""
    return [
        each
        for store in app.stores.values()
        if isinstance(store, Preparable)
        for each in await store.prepared()
        if each.is_fence
    ]


@pytest.mark.parametrize(
    "road", [["main", "postgres", "redis", "mongo"], ["main", "files", "redis", "other"]], ids="-".join
)
async def test_nothing_is_lost_on_the_road(
    road: list[str], request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    stores = stores_in(tmp_path)
    for name in road:
        if name not in stores:
            url: str = request.getfixturevalue(f"{name}_url")
            stores[name] = url if name == "redis" else fresh_database(url)
    found = await trial(stores, road, 40, writers=2, pause=0.005)
    assert found.wrong == []
    assert [(each.target, each.state) for each in found.moves] == [(name, "moved") for name in road[1:]]
    assert found.commits > 0


async def test_another_process_that_has_not_heard_loses_nothing(tmp_path: Path) -> None:
    found = await trial(stores_in(tmp_path), ["main", "other"], 60, batch=10, writers=1, processes=1, pause=0.005)
    assert found.wrong == []


async def killed_at(point: MovePoint, app: Holdall, model: type[Model] = Counted) -> None:
    """Begin to move to the store other, and die there."""

    def kill(reached: object) -> None:
        if reached is point:
            raise Killed

    arm(kill)
    try:
        with pytest.raises(Killed):
            await app.move(model, to="other", dry_run=False, batch=3)
    finally:
        arm(None)


async def test_a_writer_without_notes_is_refused(
    app: Holdall, second: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KnownMoves, "notes", lambda self, batches: [])
    await killed_at(MovePoint.COPIED, app)
    async with second.session() as session:
        (await session.require(Counted, 1)).count += 1
        with pytest.raises(CommitAborted, match="the move of counted to store 'other'") as caught:
            await session.commit(timeout=0.5)
        session.rollback()
    assert isinstance(caught.value.__cause__, Reserved)
    assert caught.value.is_retryable


async def nothing(*_: object, **__: object) -> None:
    """Follow and compare nothing."""


async def test_a_move_that_follows_nothing_is_found_out(
    app: Holdall, second: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: the comparison refuses it, and without that the records show it."""
    await killed_at(MovePoint.COPIED, app)
    await count(second, 1)
    monkeypatch.setattr(CatchingUp, "bring", nothing)
    with pytest.raises(StateError, match=r"1 records of counted are not.* they differ in count, version"):
        await move(app, "other")
    await count(second, 2)
    monkeypatch.setattr(CatchingUp, "compare", nothing)
    await move(app, "other")
    assert [(await counts(app))[key] for key in (1, 2)] == [0, 0]


async def test_the_dry_run_tells_and_writes_nothing(app: Holdall) -> None:
    report = await app.move(Counted, to="other")
    assert str(report) == "counted: main -> other, planned; 10 records, nothing was written"
    told = await app.move(Counted, to="files")
    assert "transactions" in [each.name for each in told.losses]
    with pytest.raises(StateError, match=r"loses transactions.*accept="):
        await app.move(Counted, to="files", dry_run=False)
    with pytest.raises(StateError, match="'colours' is not lost by moving"):
        await app.move(Counted, to="other", dry_run=False, accept=["colours"])
    assert await counts(app) == dict.fromkeys(range(1, 11), 0)


@pytest.mark.parametrize("point", MovePoint)
async def test_a_mover_that_is_killed_is_taken_up(point: MovePoint, app: Holdall, second: Holdall) -> None:
    await killed_at(point, app)
    if point in (MovePoint.NOTED, MovePoint.COPIED):
        await count(second, 1)  # a process that has not heard notes what it writes
        await count(app, 2)
    report = await move(second, "other")
    assert (report.state, report.is_moved) == ("moved", True)
    for each in (app, second):
        await count(each, 3)
        found = await counts(each)
        assert len(found) == 10
        assert found[3] == (1 if each is app else 2)
        assert each.bindings.of_model(Counted).store.name == "other"
    if point in (MovePoint.NOTED, MovePoint.COPIED):
        assert (found[1], found[2]) == (1, 1)
    assert await rows_in(app, "main") == 10  # the source stays until the move is ended


async def test_two_do_not_move_the_same(app: Holdall, second: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, compare = list[str](), CatchingUp.compare

    async def compare_after_another_tried(*given: Any, **named: Any) -> Any:
        if not refused:
            with pytest.raises(StateError, match="is being moved elsewhere") as caught:
                await move(second, "other")
            refused.append(str(caught.value))
        return await compare(*given, **named)

    monkeypatch.setattr(CatchingUp, "compare", compare_after_another_tried)
    await move(app, "other")
    assert len(refused) == 1


async def test_cancelled_moves_leave_the_target_empty(app: Holdall, second: Holdall) -> None:
    await killed_at(MovePoint.COPIED, app)
    assert await rows_in(app, "other") == 3
    await count(second, 1)
    report = await second.cancel_move(Counted, to="other")
    assert report.state == "cancelled"
    await count(app, 1)
    assert (await counts(app))[1] == 2
    assert await rows_in(app, "other") == 0
    assert await fences(app) == []
    with pytest.raises(StateError, match="is not being moved"):
        await app.cancel_move(Counted, to="other")
    assert (await move(app, "other")).state == "moved"
    await app.end_move(Counted, source="main")
    assert await fences(app) == []


async def test_moves_are_in_the_list_of_jobs(app: Holdall, second: Holdall) -> None:
    assert await second.jobs.latest() == []
    await killed_at(MovePoint.COPIED, app)
    await count(second, 1)
    (found,) = await second.jobs.latest()
    assert (found.name, found.state, found.parts, found.parts_done, found.seen) == ("move", "running", 1, 0, 3)
    assert found.inputs == {"collection": "counted", "source": "main", "to": "other"}
    assert abs((found.created_at - dt.datetime.now(dt.UTC)).total_seconds()) < 3_600
    assert await app.jobs.show(found.id) == found
    assert (await second.jobs.cancel(found.id)).state == "cancelled"
    assert (await second.jobs.latest(), await rows_in(app, "other")) == ([], 0)
    with pytest.raises(NotFound):
        await second.jobs.cancel(found.id)

    await killed_at(MovePoint.SWITCHING, app)
    (again,) = await second.jobs.latest()
    with pytest.raises(StateError, match="was switched"):
        await second.jobs.cancel(again.id)
    if await losses_of(app, "other"):
        with pytest.raises(StateError, match="accept"):
            await second.jobs.resume(again.id)
        await move(second, "other")
    done = await second.jobs.resume(again.id)
    assert (done.id, done.state, done.is_done, done.seen) == (again.id, "done", True, 10)
    assert await second.jobs.cancel(again.id) == done
    assert [report.state for report in await app.jobs.latest()] == ["done"]
    await app.end_move(Counted, source="main")
    assert await app.jobs.latest() == []
    assert await counts(app) == {key: int(key == 1) for key in range(1, 11)}


async def test_jobs_and_moves_stand_in_one_list(app: Holdall) -> None:
    @app.job("looking", over=Counted)
    async def looking(context: object, records: list[Counted]) -> dict[str, float]:
        return {"looked": len(records)}

    first = await app.jobs.start("looking")
    await move(app, "other")
    last = await app.jobs.start("looking")
    found = await app.jobs.latest()
    assert [each.name for each in found] == ["looking", "move", "looking"]
    assert (found[0].id, found[2].id) == (last, first)
    assert [each.id for each in await app.jobs.latest(2)] == [each.id for each in found[:2]]
    assert (await app.jobs.run(last)).counts == {"looked": 10}


async def test_a_move_is_cancelled_while_another_process_copies(app: Holdall, second: Holdall) -> None:
    waiting: list[asyncio.Task[object]] = []

    async def cancelled() -> None:
        (found,) = await second.jobs.latest()
        assert (await second.jobs.cancel(found.id)).state == "cancelled"

    def look(report: MoveReport) -> None:
        if not waiting:
            waiting.append(asyncio.create_task(cancelled()))

    with pytest.raises(StateError, match="taken over"):
        await slowly(app, look, waiting)
    await waiting[0]
    await count(app, 1)
    assert ((await counts(app))[1], await rows_in(app, "other"), await app.jobs.latest()) == (1, 0, [])
    assert (await move(app, "other")).state == "moved"


async def slowly(app: Holdall, look: Callable[[MoveReport], None], waiting: list[asyncio.Task[object]]) -> None:
    """Move a collection, and go on with its second batch once what was begun meanwhile is over."""
    target = app.stores["other"]
    apply = target.apply

    async def late(changes: Sequence[Change]) -> object:
        if waiting:
            await asyncio.wait(waiting)
        return await apply(changes)

    target.apply = late  # type: ignore[method-assign, assignment]
    try:
        await move(app, "other", progress=look)
    finally:
        del target.apply


async def test_a_collection_moves_back_and_the_rest_is_dropped(app: Holdall, second: Holdall, tmp_path: Path) -> None:
    await move(app, "other")
    await count(app, 1)
    with pytest.raises(StateError, match=r"is not being moved"):
        await app.cancel_move(Counted, to="main")
    await move(app, "main")
    await count(second, 1)
    assert (await counts(app))[1] == 2
    fresh = application(stores_in(tmp_path), "other")
    assert (await counts(fresh))[1] == 2
    await count(fresh, 1)
    await fresh.close()
    assert (await counts(second))[1] == 3
    with pytest.raises(StateError, match="was not moved away"):
        await app.end_move(Counted, source="main")
    assert (await app.end_move(Counted, source="other")).state == "ended"
    assert await app.inspect() == {}
    await count(app, 1)
    assert (await counts(second))[1] == 4


async def test_settings_that_name_the_target_too_early_write_nothing(app: Holdall, tmp_path: Path) -> None:
    early = application(stores_in(tmp_path), "other")

    await killed_at(MovePoint.COPIED, app)
    with pytest.raises(CommitAborted, match="the move of counted to store 'other'"):
        async with early.session() as session:
            session.add(Counted(id=99))
    await move(app, "other")
    async with early.session() as session:
        session.add(Counted(id=99))
    assert set(await counts(app)) == {*range(1, 11), 99}
    await early.close()


async def test_values_that_change_hands_arrive(app: Holdall, second: Holdall) -> None:
    """Unique values that pass from record to record between two batches are where they are in the source."""
    await killed_at(MovePoint.COPIED, app)
    for first, other in ((1, 9), (2, 3), (1, 10)):
        async with second.session() as session:
            one, two = await session.require(Counted, first), await session.require(Counted, other)
            kept, one.code = one.code, None
            await session.commit()
            two.code, given = kept, two.code
            await session.commit()
            one.code = given
    await move(app, "other")
    async with app.session() as session:
        codes = {each.id: each.code for each in await session.query(Counted.where())}
    assert codes == {key: f"c{key}" for key in range(1, 11)} | {1: "c10", 9: "c1", 10: "c9", 2: "c3", 3: "c2"}


async def test_values_that_equal_others_of_another_type_are_followed(tmp_path: Path) -> None:
    """In JSON neither true nor 1.0 is 1, whatever Python says."""
    app = Holdall("sheets")
    for name, url in stores_in(tmp_path).items():
        app.add_store(name, url)
    app.add(Sheet, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Sheet(id=1, cells={"a": 1, "b": [1]}))
    await killed_at(MovePoint.COPIED, app, Sheet)
    async with app.session() as session:
        (await session.require(Sheet, 1)).cells = {"a": True, "b": [1.0]}
    await app.move(Sheet, to="other", dry_run=False)
    async with app.session() as session:
        assert repr((await session.require(Sheet, 1)).cells) == "{'a': True, 'b': [1.0]}"
    await app.close()


async def test_references_and_keys_go_on(tmp_path: Path) -> None:
    app = Holdall("bands")
    for name, url in stores_in(tmp_path).items():
        app.add_store(name, url)
    app.add(Band, store="other")
    app.add(Track, store="main")
    await app.create()
    async with app.session() as session:
        band = session.add(Band(name="A"))
        session.add_all([Track(title=f"t{number}", band=band) for number in range(5)])
    with pytest.raises(StateError, match=r"foreign key track\.band"):
        await app.move(Band, to="main", dry_run=False)
    report = await app.move(
        Band, to="files", dry_run=False, accept=[each.name for each in (await app.move(Band, to="files")).losses]
    )
    assert (report.state, report.is_moved) == ("moved", True)
    async with app.session() as session:
        (band,) = await session.query(Band.where())
        assert len(await session.query(Track.where(Track.band.name == "A"))) == 5
        session.add(Track(title="new", band=session.add(Band(name="B"))))
    async with app.session() as session:
        assert sorted(each.id for each in await session.query(Band.where())) == [1, 2]
        session.remove(await session.require(Band, 1))
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
    await app.close()


async def test_bulk_changes_are_followed(app: Holdall, second: Holdall) -> None:
    await killed_at(MovePoint.COPIED, app)
    async with second.session() as session:
        await session.update(Counted.where(Counted.id <= 4), count=7)
        await session.delete(Counted.where(Counted.id == 5))
    async with second.session() as session, session.transaction("main"):
        (await session.require(Counted, 6)).count = 8
    await move(app, "other")
    assert await counts(app) == {1: 7, 2: 7, 3: 7, 4: 7, 6: 8, **dict.fromkeys(range(7, 11), 0)}


async def test_events_go_on_in_the_new_store(tmp_path: Path) -> None:
    app, told = Holdall("moving"), list[str]()
    for name, url in stores_in(tmp_path).items():
        app.add_store(name, url)
    app.add(Counted, store="main")

    @app.after(Counted.created, name="tell")
    async def tell(event: object) -> None:
        told.append("created")

    await app.create()
    await move(app, "other")
    async with app.session() as session:
        session.add(Counted(id=1))
    await app.outbox.deliver()
    assert told == ["created"]
    await app.close()


async def test_what_cannot_be_moved_is_named(app: Holdall, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="there is no store 'elsewhere'"):
        await app.move(Counted, to="elsewhere")
    with pytest.raises(StateError, match="same place"):
        await app.move(Counted, to="main")
    with pytest.raises(StateError, match="batch is a number"):
        await app.move(Counted, to="other", batch=0)
    with pytest.raises(StateError, match="is not being moved"):
        await app.cancel_move(Counted, to="other")
    volatile = application({"main": "memory:"}, "main")
    with pytest.raises(StateError, match="same place"):
        await volatile.move(Counted, to="main")
    full = application(stores_in(tmp_path), "other")
    await full.create()
    async with full.session() as session:
        session.add(Counted(id=1))
    await full.close()
    with pytest.raises(StateError, match="has records of counted that no move brought there"):
        await move(app, "other")
    await count(app, 1)


async def test_a_collection_leaves_no_store_whose_writers_look_at_nothing(mongo_url: str, tmp_path: Path) -> None:
    app = application({"mongo": mongo_url, "main": f"sqlite:///{tmp_path}/main.db"}, "mongo")
    with pytest.raises(Unsupported, match="moving counted away while it is written"):
        await app.move(Counted, to="main")
    await app.close()


async def test_a_service_follows_a_move_of_another_process(tmp_path: Path) -> None:
    served, mover = (Holdall("moving") for _ in range(2))
    for each in (served, mover):
        for name, url in stores_in(tmp_path).items():
            each.add_store(name, url)
        each.add(Counted, store="main", policy=Policy(read=Everyone, write=Everyone))
    await served.create()
    async with AsyncServiceClient(served.asgi()) as client:
        for key in range(1, 4):
            await client.post("/counted", {"id": key, "title": "t"})
        await move(mover, "files")
        assert (await client.patch("/counted/1", {"count": 3})).json()["count"] == 3
        await client.delete("/counted/2")
        assert [each["id"] for each in (await client.get("/counted?sort=-id")).json()["data"]] == [3, 1]
    assert await counts(mover) == {1: 3, 3: 0}
    await mover.close()
