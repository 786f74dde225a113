"""Only one record refers to another whose end is single, however many want to at once, in every store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from holdall import Fill, Holdall, Model, Ref, Session, back, field
from holdall.errors import CommitAborted, CommitError, UniqueViolation, ValidationError
from holdall.session.binding import Binding
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.committer import Committer
from holdall.session.referential import Referential

pytestmark = pytest.mark.anyio

_WRITERS = 6


class Person(Model):
    id: int = field(pk=True)
    passport: Ref[Passport | None] = back("owner")
    badge: Ref[Badge | None] = back("owner")
    locker: Ref[Locker | None] = back("owner", fill=Fill.STORED)


class Passport(Model):
    id: int = field(pk=True)
    owner: Ref[Person | None] = field(default=None)


class Badge(Model):
    """One that cannot be without its owner."""

    id: int = field(pk=True)
    version: int = field(version=True)
    owner: Ref[Person]


class Locker(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    owner: Ref[Person | None] = field(default=None)


class Seat(Model):
    """A key of two parts."""

    row: str = field(pk=True, length=(0, 10))
    number: int = field(pk=True)
    guest: Ref[Guest | None] = back("seat")


class Guest(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    seat: Ref[Seat | None] = field(default=None)


MODELS: list[Any] = [Person, Passport, Badge, Locker, Seat, Guest]
_STORES = ["memory", "sqlite", "postgres", "mariadb", "mongo", "redis", "yaml"]
_PAIRS = ["sqlite redis", "redis yaml", "mongo sqlite", "yaml mariadb", "postgres mongo"]

Opened: TypeAlias = Callable[[], Holdall]


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens one application after the other over the same store, or people in one and all else in another."""
    urls = []
    for number, kind in enumerate(request.param.split()):
        found = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/records.db", "yaml": f"yaml:{tmp_path}/records"}
        if kind not in found:
            url = request.getfixturevalue(f"{kind}_url")
            found[kind] = url if kind == "redis" else request.getfixturevalue("fresh_database")(url)
        urls.append((f"store_{number}", found[kind]))

    def open_one() -> Holdall:
        app = Holdall("office", journal=f"sqlite:///{tmp_path}/journal.db")
        for name, url in urls:
            options: dict[str, Any] = {"prefix": tmp_path.name, "scan_limit": 10_000} if url[:5] == "redis" else {}
            app.add_store(name, url, **options)
        app.add(Person, Seat, store="store_0")
        app.add(Passport, Badge, Locker, Guest, store=urls[-1][0])
        return app

    return open_one


Act: TypeAlias = Callable[[Session, int], Coroutine[Any, Any, None]]


async def _filled(opened: Opened) -> Holdall:
    app = opened()
    await app.create()
    async with app.session() as session:
        session.add(Seat(row="a", number=1))
        session.add_all(Person(id=number) for number in range(4))
        session.add_all(model(id=number) for model in (Passport, Locker, Guest) for number in range(_WRITERS))
    return app


async def _at_once(opened: Opened, act: Act) -> list[BaseException]:
    """Let writers act side by side, over connections of their own where the store outlives a process; their errors."""
    apps = [await _filled(opened)]
    if all(store.capabilities.is_durable for store in apps[0].stores.values()):
        apps.append(opened())

    async def run(number: int) -> None:
        async with apps[number % len(apps)].session() as session:
            await act(session, number)

    try:
        ended = await asyncio.gather(*map(run, range(_WRITERS)), return_exceptions=True)
        await _demand_whole(apps[0])
    finally:
        for app in apps:
            await app.close()
    return [error for error in ended if error is not None]


async def _demand_whole(app: Holdall) -> None:
    """That no two refer to one record, and both ends agree."""
    report = await app.fsck()
    assert report.is_whole, report
    assert await app.recovery.unfinished() == []
    async with app.session() as session:
        for model, name in ((Passport, "owner"), (Badge, "owner"), (Locker, "owner"), (Guest, "seat")):
            held = [getattr(record, name).key for record in await session.query(model.where())]
            given = [key for key in held if key is not None]
            assert len(given) == len(set(given)), f"{model.__name__}: {given}"


async def _take(session: Session, number: int) -> None:
    """Take one passport, one seat and, from either end, one locker, which all writers take."""
    (await session.require(Passport, number)).owner = 1
    (await session.require(Guest, number)).seat = ("a", 1)
    if number % 2:
        (await session.require(Person, 2)).locker = number
    else:
        (await session.require(Locker, number)).owner = 2


@pytest.mark.parametrize("opened", [*_STORES, *_PAIRS], indirect=True)
async def test_all_who_take_one_place_succeed_and_one_has_it(opened: Opened) -> None:
    """Where it may be empty, whoever comes later takes over, as if they had come one after the other."""
    assert await _at_once(opened, _take) == []


@pytest.mark.parametrize("opened", [*_STORES, *_PAIRS[:2]], indirect=True)
async def test_who_has_loaded_what_others_then_changed_takes_it_all_the_same(opened: Opened) -> None:
    has_all = asyncio.Barrier(_WRITERS)

    async def act(session: Session, number: int) -> None:
        for model in (Passport, Locker, Guest, Person):
            await session.query(model.where())
        await has_all.wait()
        await _take(session, number)

    assert await _at_once(opened, act) == []


@pytest.mark.parametrize("opened", ["standalone_mongo"], indirect=True)
async def test_without_transactions_no_two_have_it_and_it_is_told(opened: Opened) -> None:
    async def take(session: Session, number: int) -> None:
        (await session.require(Passport, number)).owner = 1

    assert all(isinstance(error, CommitError) for error in await _at_once(opened, take))


@pytest.mark.parametrize("opened", [*_STORES, *_PAIRS, "standalone_mongo"], indirect=True)
async def test_of_those_who_cannot_give_way_one_is_written(opened: Opened) -> None:
    async def issue(session: Session, number: int) -> None:
        session.add(Badge(id=number, owner=1))

    errors = await _at_once(opened, issue)
    assert len(errors) == _WRITERS - 1
    for error in errors:
        assert isinstance(error, ValidationError), error
        assert [(one.path, one.code) for one in error.errors] == [("owner", "unique")]


@pytest.mark.parametrize("opened", [*_STORES, *_PAIRS], indirect=True)
async def test_places_are_handed_round_taken_and_left_in_one_commit(opened: Opened) -> None:
    app = await _filled(opened)
    try:
        async with app.session() as session:
            for number in range(3):
                (await session.require(Passport, number)).owner = number
                (await session.require(Locker, number)).owner = number
                session.add(Badge(id=number, owner=number))
        async with app.session() as session:
            for number in range(3):  # a ring of three
                (await session.require(Passport, number)).owner = (number + 1) % 3
                (await session.require(Locker, number)).owner = (number + 1) % 3
                (await session.require(Badge, number)).owner = (number + 1) % 3
        assert await _owners(app, Passport) == await _owners(app, Badge) == {0: 1, 1: 2, 2: 0}
        assert await _owners(app, Locker) == {0: 1, 1: 2, 2: 0}
        await _demand_whole(app)
        async with app.session() as session:
            session.remove(await session.require(Passport, 0))  # whose owner another has at once
            session.add(Passport(id=100, owner=1))
            session.remove(await session.require(Badge, 0))
            session.add(Badge(id=100, owner=1))
            (await session.require(Locker, 0)).owner = None
            (await session.require(Locker, 5)).owner = 1
        assert await _owners(app, Passport) == await _owners(app, Badge) == {1: 2, 2: 0, 100: 1}
        assert await _owners(app, Locker) == {1: 2, 2: 0, 5: 1}
        await _demand_whole(app)
    finally:
        await app.close()


async def _owners(app: Holdall, model: Any) -> dict[int, int]:
    async with app.session() as session:
        found = {record.id: record.owner.key for record in await session.query(model.where())}
        return {key: owner for key, owner in found.items() if owner is not None}


def _take_once_all_have_looked(monkeypatch: pytest.MonkeyPatch) -> Act:
    """Takes a passport that nobody has, and writes only once all writers have looked who stands in their way."""
    has_to_wait, have_looked, run = ContextVar("has_to_wait", default=False), asyncio.Barrier(_WRITERS), Committer.run

    async def take(session: Session, number: int) -> None:
        has_to_wait.set(True)
        (await session.require(Passport, number)).owner = 1

    async def run_together(committer: Committer, plan: Plan, *arguments: Any) -> Any:
        if has_to_wait.get():
            has_to_wait.set(False)
            await have_looked.wait()
        return await run(committer, plan, *arguments)

    monkeypatch.setattr(Committer, "run", run_together)
    return take


@pytest.mark.parametrize("opened", ["sqlite", "memory", "redis sqlite"], indirect=True)
async def test_a_store_without_the_rule_is_found_out(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Binding, "_takes_rules", property(lambda _: False))
    with pytest.raises(AssertionError):
        await _at_once(opened, _take_once_all_have_looked(monkeypatch))


@pytest.mark.parametrize("opened", ["sqlite", "redis"], indirect=True)
async def test_who_does_not_try_again_is_refused_by_name(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Referential, "has_come", lambda *_: False)
    errors = await _at_once(opened, _take_once_all_have_looked(monkeypatch))
    assert len(errors) == _WRITERS - 1
    for error in errors:
        assert isinstance(error, CommitAborted)
        cause = error.__cause__
        assert isinstance(cause, UniqueViolation)
        assert (cause.collection, cause.fields) == ("passport", ("owner",))
