"""Moves to and from stores that do not do many changes in their time: fewer are sent together, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from holdall import Holdall
from holdall.app import MoveReport
from holdall.app.moving import MovePoint
from holdall.errors import (
    CommitAborted,
    FieldError,
    HoldallError,
    LimitExceeded,
    StoreTimeout,
    StoreUnavailable,
    ValidationError,
)
from holdall.query import AnyQuery, Compare, nodes
from holdall.session.commit.failpoint import arm
from holdall.store import MOVE_POSITIONS, Change, Provisioned
from tests.support.moving_trial import losses_of
from tests.support.moving_writers import Counted, application, write

pytestmark = pytest.mark.anyio

RECORDS = 60
FEW = 5  # changes that a slow store does in its time, beside the row of the move

REFUSALS: dict[str, Callable[[str], HoldallError]] = {
    "timeout": lambda store: StoreTimeout(store, "it did not answer in time"),
    "unavailable": lambda store: StoreUnavailable(store, "it has no room left; nothing was applied"),
    "limit": lambda store: LimitExceeded("changes of one call", FEW),
    "size": lambda store: ValidationError("counted", [FieldError("", "unstorable", "it is too large")]),
}


class Slow:
    """A store that refuses, or answers too late, where more is asked of it together than it does in its time.

    If it ``is_late``, what it has not answered is done all the same, once the next call comes.
    """

    def __init__(self, store: Any, refusal: Callable[[str], HoldallError], *, few: int = FEW, is_late: bool = False):
        self.store, self.refusal, self.few, self.is_late = store, refusal, few, is_late
        self.refused = list[int]()
        self.is_slow_to_read = False
        self.largest = 0
        self.to_be_done: Callable[[], Awaitable[object]] | None = None
        self.apply, self.fetch = store.apply, store.fetch
        store.apply, store.fetch = self.applied, self.fetched

    async def applied(self, changes: Sequence[Change]) -> object:
        await self._do_what_is_late()
        if len(changes) > self.few + 1:
            self.refused.append(len(changes))
            if self.is_late:
                self.to_be_done = partial(self.apply, changes)
            raise self.refusal(self.store.name)
        self.largest = max(self.largest, len(changes) - 1)
        return await self.apply(changes)

    async def fetched(self, query: AnyQuery) -> object:
        rows = query.max_rows if self.is_slow_to_read and query.collection == "counted" else None
        if rows is not None and rows > self.few + 1:
            self.refused.append(rows)
            raise self.refusal(self.store.name)
        return await self.fetch(query)

    async def _do_what_is_late(self) -> None:
        late, self.to_be_done = self.to_be_done, None
        if late is not None:
            with suppress(HoldallError):  # of which nobody is told
                await late()


@pytest.fixture
async def app(
    tmp_path: Path, request: pytest.FixtureRequest, fresh_database: Callable[[str], str]
) -> AsyncIterator[Holdall]:
    """Sixty records in the store main."""
    stores = {"main": f"sqlite:///{tmp_path}/main.db", "other": f"sqlite:///{tmp_path}/other.db"}
    stores |= {"files": f"yaml:{tmp_path}/y"}
    for name in {"postgres", "redis", "mongo"} & set(_targets(request)):
        url: str = request.getfixturevalue(f"{name}_url")
        stores[name] = url if name == "redis" else fresh_database(url)
    app = application(stores, "main")
    await app.create()
    async with app.session() as session:
        session.add_all([Counted(id=key, code=f"c{key}") for key in range(1, RECORDS + 1)])
    yield app
    if "redis" in app.stores:
        await cast(Provisioned, app.stores["redis"]).drop("counted", MOVE_POSITIONS)  # others use the same server
    await app.close()


def _targets(request: pytest.FixtureRequest) -> list[str]:
    found = getattr(request.node, "callspec", None)
    return [] if found is None else [str(each) for each in found.params.values()]


async def move(app: Holdall, to: str, **options: Any) -> MoveReport:
    return await app.move(Counted, to=to, dry_run=False, accept=await losses_of(app, to), batch=40, **options)


async def change_all(app: Holdall, seconds: float = 30.0) -> None:
    async with app.session() as session:
        for each in await session.query(Counted.where()):
            each.count += 1
        try:
            await session.commit(timeout=seconds)
        except CommitAborted:
            session.rollback()
            raise


async def stop_behind_the_first_batch(app: Holdall, to: str) -> None:
    """Copy, and have every record change behind that."""

    class Stopped(BaseException):
        pass

    def stop(reached: object) -> None:
        if reached is MovePoint.COPIED:
            raise Stopped

    arm(stop)
    try:
        with pytest.raises(Stopped):
            await move(app, to)
    finally:
        arm(None)
    await change_all(app)


async def demand_counted(app: Holdall, number: int) -> None:
    async with app.session() as session:
        found = {each.id: each.count for each in await session.query(Counted.where())}
    assert found == dict.fromkeys(range(1, RECORDS + 1), number)


@pytest.mark.parametrize("to", ["other", "files", "postgres", "redis", "mongo"])
async def test_a_target_that_is_slow_gets_fewer_together(app: Holdall, to: str) -> None:
    slow = Slow(app.stores[to], REFUSALS["timeout"])
    told = list[MoveReport]()
    await stop_behind_the_first_batch(app, to)
    report = await move(app, to, progress=told.append)
    assert (report.state, report.copied, report.compared) == ("moved", RECORDS, RECORDS)
    assert slow.refused
    assert slow.largest <= FEW
    assert min(each.batch or 40 for each in told) <= FEW
    await demand_counted(app, 1)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_every_refusal_of_many_together_is_one_of_their_number(app: Holdall, refusal: str) -> None:
    slow = Slow(app.stores["other"], REFUSALS[refusal])
    assert (await move(app, "other")).copied == RECORDS
    assert slow.refused
    await demand_counted(app, 0)


@pytest.mark.parametrize("is_slow_to_read", [True, False])
async def test_a_source_that_is_slow_is_asked_for_fewer(app: Holdall, *, is_slow_to_read: bool) -> None:
    slow = Slow(app.stores["main"], REFUSALS["timeout"])
    slow.few = 10 * RECORDS  # while the records are changed, each with a note
    await stop_behind_the_first_batch(app, "other")
    slow.few, slow.is_slow_to_read = FEW, is_slow_to_read
    assert (await move(app, "other")).copied == RECORDS
    assert slow.refused  # pages, or notes that were to be removed together
    await demand_counted(app, 1)


@pytest.mark.parametrize("to", ["other", "redis", "mongo"])
async def test_a_batch_that_is_written_after_nobody_waits_is_no_harm(app: Holdall, to: str) -> None:
    """Neither what is copied nor what is followed; the mover finds its own row of the move with a later version."""
    unknown = partial(StoreTimeout, message="the answer to a commit was lost", is_outcome_unknown=True)
    await stop_behind_the_first_batch(app, to)
    slow = Slow(app.stores[to], unknown, is_late=True)
    report = await move(app, to)
    assert (report.state, report.copied, report.compared) == ("moved", RECORDS, RECORDS)
    assert slow.refused
    await demand_counted(app, 1)


async def test_writers_go_on_beside_a_slow_target(app: Holdall) -> None:
    slow, is_over = Slow(app.stores["other"], REFUSALS["timeout"], is_late=True), asyncio.Event()
    writer = asyncio.create_task(write(app, 1, RECORDS, is_over.is_set))
    await asyncio.sleep(0.05)
    try:
        await move(app, "other")
    finally:
        is_over.set()
        told = await writer
    assert slow.refused
    async with app.session() as session:
        found = {each.id: each.count for each in await session.query(Counted.where())}
    assert found == dict.fromkeys(range(1, RECORDS + 1), 0) | told.counts | dict.fromkeys(told.own, 0)


@pytest.mark.parametrize("to", ["other", "redis", "mongo"])
async def test_few_values_are_asked_for_where_one_has_gone_to_another(
    app: Holdall, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question for each of thousands of values takes long where no index answers it."""
    await stop_behind_the_first_batch(app, to)
    async with app.session() as session:
        first, last = await session.require(Counted, 1), await session.require(Counted, RECORDS)
        kept, first.code = first.code, None
        await session.commit()
        last.code = kept
    fetch, asked = app.stores[to].fetch, list[int]()

    async def seen(query: AnyQuery) -> object:
        for each in nodes(query.condition):
            if isinstance(each, Compare) and each.path == ("code",):
                asked.append(len(each.value) if isinstance(each.value, tuple) else 1)
        return await fetch(query)

    monkeypatch.setattr(app.stores[to], "fetch", seen)
    await move(app, to)
    assert asked
    assert max(asked) <= 20
    async with app.session() as session:
        found = {each.id: each.code for each in await session.query(Counted.where())}
    assert found == {key: f"c{key}" for key in range(1, RECORDS)} | {1: None, RECORDS: "c1"}


async def test_writers_that_are_faster_than_the_mover_do_not_keep_it_for_ever(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each batch that is followed, more notes come than it had, until the collection is closed."""
    await stop_behind_the_first_batch(app, "other")
    target, rounds, is_closed = app.stores["other"], 0, False
    apply = target.apply

    async def followed(changes: Sequence[Change]) -> object:
        nonlocal rounds, is_closed
        found = await apply(changes)
        if len(changes) > 1 and not is_closed and rounds < 400:
            rounds += 1
            try:
                await change_all(app, 0.2)
            except CommitAborted:
                is_closed = True
        return found

    monkeypatch.setattr(target, "apply", followed)
    assert (await move(app, "other")).state == "moved"
    assert is_closed
    async with app.session() as session:
        assert min([each.count for each in await session.query(Counted.where())]) >= rounds - 1


async def test_records_that_come_behind_the_last_one_are_not_run_after(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each batch a writer adds one; those are noted, and need no page of their own."""
    target, added = app.stores["other"], 0
    apply = target.apply

    async def followed(changes: Sequence[Change]) -> object:
        nonlocal added
        found = await apply(changes)
        if added < 100 and changes[-1].collection == MOVE_POSITIONS:
            added += 1
            with suppress(CommitAborted):
                async with app.session() as session:
                    session.add(Counted(id=RECORDS + added, code=f"new {added}"))
                    await session.commit(timeout=0.1)
        return found

    monkeypatch.setattr(target, "apply", followed)
    assert (await move(app, "other")).state == "moved"
    assert added < 100


async def test_a_target_that_takes_not_even_one_ends_the_move_which_goes_on_later(app: Holdall) -> None:
    slow = Slow(app.stores["other"], REFUSALS["timeout"], few=0)
    with pytest.raises(StoreTimeout):
        await move(app, "other")
    assert slow.refused == sorted(slow.refused, reverse=True)
    slow.few = 10
    assert (await move(app, "other")).copied == RECORDS
    await demand_counted(app, 0)


async def test_a_target_that_answers_nothing_is_asked_once_more(app: Holdall) -> None:
    def gone(store: str) -> HoldallError:
        slow.few = -1
        return REFUSALS["timeout"](store)

    slow = Slow(app.stores["other"], gone)
    with pytest.raises(StoreTimeout):
        await move(app, "other")
    assert slow.refused == [41, 1]
