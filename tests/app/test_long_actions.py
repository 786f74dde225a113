"""Actions as jobs: done once whoever stops, with the rights of their user, a result and an end."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from holdall import SYSTEM, Holdall, User
from holdall.actions import Action, Content, On
from holdall.app.jobs import JobReport
from holdall.app.long_actions import work_on_action
from holdall.app.long_actions.kept_user import kept_user, user_of
from holdall.errors import ActionUnavailable, DeclarationError, LimitExceeded, NotFound, StateError, ValidationError
from holdall.session import Session
from tests.support import long_actions as support
from tests.support.long_actions import (
    ANN,
    CALLS,
    EVE,
    GATES,
    Count,
    Hold,
    Mark,
    Once,
    Renew,
    Tally,
    Track,
    filled,
    tracks,
)

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The end of a process, as far as the code that is stopped can tell."""


@pytest.fixture(params=["memory", "sqlite"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/t.db", "yaml": f"yaml:{tmp_path}/t"}
    app = await filled(tracks(urls[request.param]), 20)
    yield app
    await app.close()


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Holdall, Holdall]]:
    """Two processes with the same settings, as far as stores can tell."""
    first, second = (tracks(f"sqlite:///{tmp_path}/t.db") for _ in range(2))
    yield await filled(first, 20), second
    await first.close()
    await second.close()


async def started(app: Holdall, action: object, on: object = None, user: User = ANN) -> str:
    async with app.session(user) as session:
        if isinstance(on, int):
            on = await session.require(Track, on)
        return await app.start_action(session, action, on)


async def plays(app: Holdall) -> list[int]:
    async with app.session() as session:
        return [track.plays for track in await session.query(Track.where().sort(Track.id))]


async def begun() -> None:
    async with asyncio.timeout(10):
        await GATES["begun"].wait()


async def test_each_record_is_done_and_told(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_on_action, "_BATCH", 4)
    job = await started(app, Count(by=2), Track.where(Track.id <= 10))
    report = await app.jobs.show(job)
    assert (report.name, report.state, report.parts, report.parts_done) == ("tracks/count", "running", 3, 0)
    assert CALLS == []
    report = await app.jobs.run(job)
    assert (report.state, report.parts_done, report.seen, report.failed) == ("done", 3, 10, 0)
    assert report.result == [{"key": str(key), "result": 2} for key in range(1, 11)]
    assert await plays(app) == [2] * 10 + [0] * 10
    assert await app.jobs.run(job) == report == await app.jobs.cancel(job)
    (listed,) = await app.jobs.latest()
    assert (listed.id, listed.result) == (job, None)


async def test_records_that_fail_are_told_and_others_done(app: Holdall) -> None:
    report = await app.jobs.run(await started(app, Count(), Track.where(Track.id > 10)))
    assert (report.state, report.seen, report.failed, report.is_done) == ("done", 10, 1, True)
    (failure,) = report.failures
    assert failure.key == "13"
    assert failure.reason.startswith("ValueError at long_actions.py:")
    assert "secret" not in str(report)
    assert await plays(app) == [0] * 10 + [1, 1, 0] + [1] * 7
    assert isinstance(report.result, list)
    assert [each["key"] for each in report.result] == ["11", "12", "14", "15", "16", "17", "18", "19", "20"]  # type: ignore[index, call-overload]


async def test_all_at_once_nothing_and_one(app: Holdall) -> None:
    report = await app.jobs.run(await started(app, Tally(), Track.where(Track.id <= 3)))
    assert (report.state, report.parts, report.result) == ("done", 1, {"plays": 3})
    report = await app.jobs.run(await started(app, Renew(number=99)))
    assert report.result == {"collection": "tracks", "key": "99"}
    assert CALLS == ["ann"]
    report = await app.jobs.run(await started(app, Mark(), 5))
    assert (report.result, (await plays(app))[4]) == (100, 100)
    report = await app.jobs.run(await started(app, Renew(number=99)))
    assert (report.state, report.result, report.parts_done) == ("failed", None, 0)
    assert "99" not in report.reason
    with pytest.raises(NotFound):
        await app.jobs.show("act-0")


async def test_a_result_that_no_note_has_room_for_undoes_its_commit(
    app: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_on_action, "MOST_BYTES", 13)
    report = await app.jobs.run(await started(app, Tally(), Track.where(Track.id <= 3)))
    assert report.state == "done"
    report = await app.jobs.run(await started(app, Tally(), Track.where(Track.id <= 20)))
    assert (report.state, report.result) == ("failed", None)
    assert (
        report.reason == "more than 13 bytes in the result of tracks/tally; return less, and keep the rest in records"
    )
    assert await plays(app) == [1] * 3 + [0] * 17
    report = await app.jobs.run(await started(app, Renew(number=123_456)))
    assert report.result == {"collection": "tracks", "key": "123456"}, "of a record only its key is kept"


async def test_a_job_of_the_program_itself_is_of_no_user_of_its_name(app: Holdall) -> None:
    async with app.session() as session:
        job = await app.start_action(session, Renew(number=77))
    for user in (User(SYSTEM.id), ANN, User(None)):
        with pytest.raises(NotFound):
            await app.long_actions.show(job, user)
    assert (await app.long_actions.show(job, SYSTEM)).id == job


async def test_what_may_not_be_done_is_not_begun(app: Holdall) -> None:
    async with app.session() as session:
        (await session.require(Track, 2)).owner = "eve"
    with pytest.raises(ActionUnavailable):
        await started(app, Mark(), 2)
    with pytest.raises(ActionUnavailable):
        await started(app, Mark(), 1, User("tom"))
    with pytest.raises(ValidationError):
        await started(app, Count(by=0), Track.where())
    with pytest.raises(StateError, match="takes an action"):
        await started(app, Count, Track.where())
    async with app.session(ANN) as session:
        with pytest.raises(LimitExceeded):
            await app.start_action(session, Count(), Track.where(), max_affected=5)
    assert await app.jobs.latest() == []


async def test_rights_are_judged_again_for_the_user_who_started_it(app: Holdall) -> None:
    job = await started(app, Mark(), 1)
    async with app.session() as session:
        (await session.require(Track, 1)).owner = "eve"
    report = await app.jobs.run(job)
    assert (report.state, (await plays(app))[0]) == ("failed", 0)
    assert "mark" in report.reason
    job = await started(app, Mark(), 3)
    async with app.session() as session:
        session.remove(await session.require(Track, 3))
    assert (await app.jobs.run(job)).state == "failed"
    job = await started(app, Count(), Track.where(Track.id == 4))
    actions = app.long_actions
    assert (await actions.show(job, ANN)).id == job
    for other in (EVE, User(None)):
        with pytest.raises(NotFound):
            await actions.show(job, other)


async def test_a_job_that_was_killed_is_taken_up(two: tuple[Holdall, Holdall], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_on_action, "_BATCH", 4)
    first, second = two
    job = await started(first, Count(), Track.where(Track.id <= 10))
    commit, number = Session.commit, 0

    async def killing(self: Session, **options: object) -> object:
        nonlocal number
        found = await commit(self, **options)  # type: ignore[arg-type]
        if self.user == ANN:
            number += 1
            if number == 2:
                raise Killed
        return found

    monkeypatch.setattr(Session, "commit", killing)
    with pytest.raises(Killed):
        await first.jobs.run(job)
    monkeypatch.setattr(Session, "commit", commit)
    assert await second.long_actions.left() == [job]
    report = await second.jobs.show(job)
    assert (report.state, report.parts_done, report.seen) == ("running", 2, 8)
    report = await second.jobs.resume(job)
    assert (report.state, report.seen, await plays(second)) == ("done", 10, [1] * 10 + [0] * 10)
    assert list(range(1, 11)) == CALLS
    assert await second.long_actions.left() == []


async def test_one_commit_that_was_killed_begins_again(two: tuple[Holdall, Holdall]) -> None:
    first, second = two
    GATES["hold"] = asyncio.Event()
    job = await started(first, Hold(), 1)
    running = asyncio.create_task(first.jobs.run(job))
    await begun()
    assert await second.long_actions.left() == []  # somebody works on it
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await plays(second) == [0] * 20
    GATES["hold"].set()
    report = await second.jobs.resume(job)
    assert (report.state, report.result, await plays(second)) == ("done", "held", [1] + [0] * 19)


async def test_a_cancelled_job_stops_and_undoes_what_is_under_way(
    two: tuple[Holdall, Holdall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_on_action, "_BEAT", 0.02)
    first, second = two
    GATES["hold"] = asyncio.Event()
    job = await started(first, Hold(), 1)
    running = asyncio.create_task(first.jobs.run(job))
    await begun()
    assert (await second.jobs.cancel(job)).state == "cancelled"
    report = await running
    assert (report.state, await plays(first), await second.long_actions.left()) == ("cancelled", [0] * 20, [])
    GATES["hold"].set()
    assert (await second.jobs.resume(job)).result == "held"


async def test_what_is_not_repeated_is_not_begun_twice(two: tuple[Holdall, Holdall]) -> None:
    first, second = two
    GATES["once"] = asyncio.Event()
    job = await started(first, Once(), Track.where(Track.id <= 3))
    running = asyncio.create_task(first.jobs.run(job))
    await begun()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    GATES["once"].set()
    report = await second.jobs.resume(job)
    assert (report.state, report.seen, [(each.key, each.reason) for each in report.failures]) == (
        "done",
        3,
        [("1", "it was interrupted, and is not repeated")],
    )
    assert (CALLS, (await plays(second))[:3]) == ([1, 2, 3], [0, 1, 1])


async def test_two_who_run_one_job_do_it_once(two: tuple[Holdall, Holdall], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_on_action, "_BATCH", 2)
    first, second = two
    job = await started(first, Count(), Track.where(Track.id <= 10))
    reports: Sequence[JobReport] = await asyncio.gather(first.jobs.run(job), second.jobs.run(job))
    assert {report.state for report in reports} == {"done"}
    assert await plays(first) == [1] * 10 + [0] * 10


async def test_records_in_another_store_than_the_notes(tmp_path: Path) -> None:
    app = tracks(f"sqlite:///{tmp_path}/a.db", other=f"sqlite:///{tmp_path}/b.db")
    app.keep_jobs(store="other")
    await filled(app, 5)
    assert (await app.jobs.run(await started(app, Count(), Track.where()))).state == "done"
    assert await plays(app) == [1] * 5
    await app.close()


@pytest.mark.parametrize(
    "user",
    [
        User(None),
        User(("a", 7), frozenset({"x", "y"}), unrestricted=True, login="l"),
        User(UUID(int=7), attributes={"day": dt.date(2030, 1, 1), "at": dt.datetime(2030, 1, 1, tzinfo=dt.UTC)}),
        User("a", attributes={"teams": frozenset({1}), "map": {1: [2.5, None, True]}, "raw": b"x", "set": {"a"}}),
    ],
)
def test_users_come_back_as_they_were(user: User) -> None:
    assert user_of(kept_user(user)) == user


def test_code_that_is_not_async_starts_actions() -> None:
    app = tracks("memory:")
    with app.sync.session() as session:
        session.add_all([Track(id=number) for number in range(1, 4)])
    with app.sync.session(ANN) as session:
        job = app.sync.start_action(session, Count(by=3), Track.where(Track.id < 3))
        with pytest.raises(ActionUnavailable):
            app.sync.start_action(app.sync.session(User("max")).__enter__(), Count(), Track.where(Track.id < 3))
        with pytest.raises(LimitExceeded):
            app.sync.start_action(session, Count(), Track.where(Track.id < 3), max_affected=1)
    assert app.sync.jobs.show(job).state == "running"
    report = app.sync.jobs.run(job)
    assert (report.state, report.result) == ("done", [{"key": "1", "result": 3}, {"key": "2", "result": 3}])
    app.sync.close()


def test_users_that_cannot_be_noted_are_refused() -> None:
    with pytest.raises(StateError, match="cannot be noted"):
        kept_user(User("ann", attributes={"it": object()}))


def test_declarations_that_cannot_work() -> None:
    with pytest.raises(DeclarationError, match="as_job= is True or False"):

        class Wrong(Action[Track], on=On.ONE, as_job=3):  # type: ignore[arg-type]
            pass

    class File(Action[Track], on=On.NOTHING, as_job=True):
        async def run(self, context: object) -> Content:
            raise NotImplementedError

    with pytest.raises(DeclarationError, match="no job keeps"):
        support.tracks().add_action(File)


async def test_a_job_whose_action_is_gone_is_still_listed_and_can_be_cancelled(tmp_path: Path) -> None:
    first = await filled(tracks(f"sqlite:///{tmp_path}/t.db"), 3)
    job = await started(first, Count(), Track.where())
    await first.close()
    later = Holdall("tracks")
    later.add_store("main", f"sqlite:///{tmp_path}/t.db")
    later.add(Track, store="main")
    (listed,) = await later.jobs.latest()
    assert (listed.id, listed.name, listed.state, listed.parts_done) == (job, "tracks/count", "running", 0)
    with pytest.raises(DeclarationError, match="this application has no action 'count'"):
        await later.jobs.resume(job)
    assert (await later.jobs.cancel(job)).state == "cancelled"
    await later.close()
