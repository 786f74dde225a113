"""What a session expects of a record, in commits over one and several stores, whoever takes which part in them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import pytest

from holdall import Holdall, Many, Model, State, field, state_of
from holdall.dao import DAO
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitPending,
    StaleVersion,
    StateError,
    StoreUnavailable,
    Unsupported,
)
from holdall.session import Guarantee
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.session.commit.two_phase.roll_forward import End, PartEnd
from holdall.store import Feature, Preparable
from holdall.stores.mongo import MongoStore

pytestmark = pytest.mark.anyio


class Left(Model, collection="lefts"):
    id: int = field(pk=True)
    n: int = field(default=0)
    tags: list[str] = field(default_factory=list)
    tied: Many[Left] = field(default=())


class Right(Model, collection="rights"):
    id: int = field(pk=True)
    n: int = field(default=0)


class Counted(Model, collection="counted"):
    id: int = field(pk=True)
    n: int = field(default=0)
    version: int = field(version=True)


KINDS = ["memory:", "sqlite", "yaml", "redis", "mongo", "standalone_mongo"]


def _url(kind: str, number: int, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    if kind == "mongo":
        return str(request.getfixturevalue("fresh_database")(request.getfixturevalue("mongo_url"))), {}
    if kind == "standalone_mongo":
        server = request.getfixturevalue("standalone_mongo_url").rpartition("/")[0]
        return f"{server}/e{secrets.token_hex(6)}", {}
    if kind == "redis":
        return str(request.getfixturevalue("redis_url")), {"prefix": secrets.token_hex(6), "scan_limit": 1000}
    return {"sqlite": f"sqlite:///{tmp_path}/{number}.db", "yaml": f"yaml:{tmp_path}/y{number}"}.get(kind, kind), {}


@pytest.fixture(params=list(product(KINDS, KINDS)), ids=lambda pair: "+".join(pair))
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("expected", journal=f"sqlite:///{tmp_path}/journal.db")
    for number, (name, kind) in enumerate(zip(("a", "b"), request.param, strict=True)):
        url, options = _url(kind, number, request, tmp_path)
        made.add_store(name, url, **options)
    made.add(Left, Counted, store="a")
    made.add(Right, store="b")
    await made.create()
    async with made.session() as s:
        s.add(Left(id=1, tags=["x"]))
    async with made.session() as s:
        s.add(Right(id=1))
    yield made
    await made.close()


async def test_of_several_stores_none_is_written_where_one_is_not_as_expected(app: Holdall) -> None:
    pairs: list[tuple[Any, Any]] = [(Left, Right), (Right, Left)]
    for model, other in pairs:
        async with app.session() as s:
            mine, beside = await s.require(model, 1), await s.require(other, 1)
            s.expect(mine)
            async with app.session() as faster:
                (await faster.require(model, 1)).n = 10
            mine.n, beside.n = 1, 1
            is_atomic = s.plan().guarantee is not Guarantee.PER_RECORD
            with pytest.raises(CommitAborted if is_atomic else (CommitAborted, CommitPartial)):
                await s.commit()
            s.rollback()
        async with app.session() as s:
            assert (await s.require(model, 1)).n == 10
            assert (await s.require(other, 1)).n in ((0, 10) if is_atomic else (0, 1, 10, 11))
            (await s.require(model, 1)).n, (await s.require(other, 1)).n = 0, 0
    async with app.session() as s:
        left, right = await s.require(Left, 1), await s.require(Right, 1)
        s.expect(left)
        s.expect(right)
        left.n, left.tags, right.n = 2, ["x", "y"], 2
        await s.commit()
        left.n = 3  # what was expected has been met, and is expected no more
        await s.commit()
    async with app.session() as s:
        assert ((await s.require(Left, 1)).n, (await s.require(Right, 1)).n) == (3, 2)


async def test_members_that_come_and_go_are_not_put_into_what_is_not_expected() -> None:
    app = Holdall("members")
    app.add_store("m", "memory:")
    app.add(Left, store="m")
    await app.create()
    async with app.session() as s:
        s.add_all([Left(id=number) for number in range(3)])
    async with app.session() as s:
        mine = await s.require(Left, 0)
        s.expect(mine)
        async with app.session() as faster:
            (await faster.require(Left, 0)).tied = [1]
        mine.tied = [2]
        with pytest.raises(CommitAborted) as caught:
            await s.commit()
        assert isinstance(caught.value.__cause__, StaleVersion)
        s.rollback()


async def test_what_was_changed_in_place_before_is_expected_as_it_was_read() -> None:
    app = Holdall("place")
    app.add_store("m", "memory:")
    app.add(Left, store="m")
    await app.create()
    async with app.session() as s:
        s.add(Left(id=1, tags=["x"]))
    async with app.session() as s:
        mine = await s.require(Left, 1)
        mine.tags.append("y")
        s.expect(mine)
        mine.tags.append("z")
    async with app.session() as s:
        assert (await s.require(Left, 1)).tags == ["x", "y", "z"]


async def test_hand_written_code_cannot_compare_and_it_is_said() -> None:
    class Rights(DAO[Right]):
        rows: ClassVar[dict[int, Right]] = {1: Right(id=1)}

        async def get(self, id: int) -> Right | None:  # noqa: A002
            return Right(id=id)

        async def update(self, record: Right) -> None:
            raise AssertionError("it was not refused before")

    app = Holdall("hand")
    app.add_dao(Rights())
    async with app.session() as s:
        mine = await s.require(Right, 1)
        with pytest.raises(Unsupported, match="rights"):
            s.expect(mine)


def _can_check(app: Holdall) -> bool:
    return Feature.CHECKS in app.stores["a"].capabilities.features


async def test_a_record_that_the_commit_does_not_write_is_guarded_or_it_is_refused(app: Holdall) -> None:
    async with app.session() as s:
        mine, beside = await s.require(Left, 1), await s.require(Right, 1)
        s.expect(mine)
        async with app.session() as faster:
            (await faster.require(Left, 1)).n = 10
        beside.n = 1
        if _can_check(app):
            assert "check 1 lefts" in str(s.plan())
            with pytest.raises((CommitAborted, CommitPartial)) as caught:
                await s.commit()
            assert isinstance(caught.value.__cause__, StaleVersion)
            assert (caught.value.__cause__.collection, caught.value.__cause__.key) == ("lefts", 1)
        else:
            for act in (s.plan, s.commit):
                with pytest.raises(StateError, match="lefts 1 is expected to be as it was read"):  # noqa: PT012
                    found: Any = act()
                    await found
        s.rollback()
        beside.n = 2  # after a rollback nothing is expected any more
    async with app.session() as s:
        assert ((await s.require(Left, 1)).n, (await s.require(Right, 1)).n) == (10, 2)


async def test_a_record_that_is_as_expected_lets_the_others_be_written_and_stays_as_it_is(app: Holdall) -> None:
    if not _can_check(app):
        return
    async with app.session() as s:
        mine, beside = await s.require(Left, 1), await s.require(Right, 1)
        s.expect(mine)
        beside.n = 1
        await s.commit()
        assert (state_of(mine), state_of(beside)) == (State.CLEAN, State.CLEAN)
        beside.n = 2  # what was expected has been met, and is expected no more
        async with app.session() as faster:
            (await faster.require(Left, 1)).n = 10
    async with app.session() as s:
        left, right = await s.require(Left, 1), await s.require(Right, 1)
        assert (left.n, left.tags, right.n) == (10, ["x"], 2)
    assert await app.recovery.unfinished() == []


async def test_a_commit_that_writes_nothing_compares_what_is_expected(app: Holdall) -> None:
    if not _can_check(app):
        return
    for is_faster in (False, True):
        async with app.session() as s:
            mine = await s.require(Left, 1)
            s.expect(mine, "n")
            async with app.session() as faster:
                other = await faster.require(Left, 1)
                if is_faster:
                    other.n = 10
                else:
                    other.tags = ["y"]
            result = await s.commit(raise_for_status=False)
            assert isinstance(getattr(result.error, "__cause__", None), StaleVersion) is is_faster
            s.rollback()


async def test_a_version_that_is_expected_is_not_counted(app: Holdall) -> None:
    if not _can_check(app):
        return
    async with app.session() as s:
        s.add(Counted(id=1))
    for is_faster in (False, True):
        async with app.session() as s:
            mine, beside = await s.require(Counted, 1), await s.require(Right, 1)
            s.expect(mine)
            if is_faster:
                async with app.session() as faster:
                    (await faster.require(Counted, 1)).n = 10
            beside.n += 1
            result = await s.commit(raise_for_status=False)
            assert isinstance(getattr(result.error, "__cause__", None), StaleVersion) is is_faster
            assert mine.version == 1
            s.rollback()
    async with app.session() as s:
        assert (await s.require(Counted, 1)).version == 2


async def test_what_is_expected_of_a_record_that_was_let_go_of_stops_nothing(app: Holdall) -> None:
    async with app.session() as s:
        mine, beside = await s.require(Left, 1), await s.require(Right, 1)
        s.expect(mine)
        s.unregister(mine)
        beside.n = 1


@pytest.mark.parametrize("is_written", [True, False])
async def test_helpers_let_go_of_what_was_only_compared(
    app: Holdall, is_written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log does not have it: a commit that is decided has no more to compare."""
    if not _can_check(app) or not all(store.capabilities.is_durable for store in app.stores.values()):
        return
    if all(isinstance(store, MongoStore) for store in app.stores.values()):
        return  # the transaction that is left open here stands in the way of helpers, as its program lives on

    async def leave(commit: TwoPhaseCommit, *, seconds: float) -> list[PartEnd]:
        away = StoreUnavailable("a", "it is away")
        return [PartEnd(participant.store, End.PENDING, error=away) for participant in commit.others]

    async with app.session() as s:
        s.add(Counted(id=1))
    with monkeypatch.context() as patched:
        patched.setattr("holdall.session.commit.run.several_stores.roll_forward", leave)
        async with app.session() as s:
            left, right, compared = await s.require(Left, 1), await s.require(Right, 1), await s.require(Counted, 1)
            s.expect(compared)
            right.n = 1
            if is_written:
                left.n = 1
            result = await s.commit(raise_for_status=False)
            if result.error is not None:
                assert isinstance(result.error, CommitPending)
                s.rollback()
    told = await app.recovery.run()
    assert (told.undone, told.listed) == (0, 0)
    assert await app.recovery.unfinished() == []
    for store in app.stores.values():
        assert not isinstance(store, Preparable) or await store.prepared() == []
    async with app.session() as s:
        left, right, compared = await s.require(Left, 1), await s.require(Right, 1), await s.require(Counted, 1)
        assert (left.n, right.n, compared.version) == (int(is_written), 1, 1)
        compared.n = 1
