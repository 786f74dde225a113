"""Transactions: what is inside is seen inside, lasts if the block ends well, and leaves no trace if not."""

from __future__ import annotations

import asyncio

import pytest

from holdall.errors import AlreadyExists, HoldallError
from holdall.query import AnyQuery, Compare, Op, Query
from holdall.store import Change, CommitClass, Feature, Transactional
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["Transactions"]

_ALL: AnyQuery = Query("country")


class _Undo(Exception):
    """Ends a transaction that must leave no trace."""


class Transactions:
    """``transaction()``, and commits that happen at once."""

    @requires(Transactional)
    def test_commit(self, case: Case) -> None:
        """A transaction sees its own changes; others see them when it has ended."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                await transaction.apply(
                    [case.add("country", code="B", name="b"), case.update("country", "A", name="x")]
                )
                assert sorted(await transaction.fetch(_ALL)) == [("A", "x", None), ("B", "b", None)]
                await transaction.apply([case.remove("country", "A")])
                assert sorted(await transaction.fetch(_ALL)) == [("B", "b", None)]

        case.run(work())
        case.holds({"country": {"B": ("B", "b", None)}})

    @requires(Transactional)
    def test_roll_back(self, case: Case) -> None:
        """An exception in the block undoes everything in it and comes through as it is."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                await transaction.apply(
                    [case.add("country", code="B", name="b"), case.update("country", "A", name="x")]
                )
                await transaction.apply([case.remove("country", "A")])
                raise _Undo

        with pytest.raises(_Undo):
            case.run(work())
        case.holds({"country": {"A": ("A", "a", None)}})
        case.apply(case.add("country", code="B", name="after"))

    @requires(Transactional)
    def test_refusal_inside(self, case: Case) -> None:
        """A refused change inside a transaction undoes the whole of it when the error leaves the block."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                await transaction.apply([case.add("country", code="B", name="b")])
                await transaction.apply(
                    [case.add("country", code="C", name="c"), case.add("country", code="A", name="!")]
                )

        with pytest.raises(AlreadyExists):
            case.run(work())
        case.holds({"country": {"A": ("A", "a", None)}})

    @requires(Transactional)
    def test_isolation(self, case: Case) -> None:
        """Nobody reads what a transaction that is undone has written."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        assert isinstance(store, Transactional)

        async def look() -> list[tuple[object, ...]]:
            return await store.fetch(_ALL)

        async def work() -> None:
            reading = None
            with pytest.raises(_Undo):
                async with store.transaction() as transaction:
                    await transaction.apply(
                        [case.update("country", "A", name="dirty"), case.add("country", code="B", name="dirty")]
                    )
                    reading = asyncio.ensure_future(look())
                    await asyncio.wait([reading], timeout=0.2)  # a store may make readers wait for the end
                    raise _Undo
            assert reading is not None
            assert await reading == [("A", "a", None)]

        case.run(work())

    def test_at_once(self, case: Case) -> None:
        """Applies that run at once each happen as a whole: of twenty adds of one key exactly one goes through."""
        case.clear()

        async def add(number: int) -> bool:
            changes = [
                case.add("country", code="one", name=f"{number}"),
                case.add("country", code=f"own {number}", name=f"{number}"),
            ]
            try:
                outcomes = await case.store.apply(changes)
            except HoldallError:
                return False
            return all(outcome.error is None for outcome in outcomes)

        async def work() -> list[bool]:
            return list(await asyncio.gather(*(add(number) for number in range(20))))

        went = case.run(work())
        assert went.count(True) == 1
        if case.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH):
            winner = f"{went.index(True)}"
            case.holds({"country": {"one": ("one", winner, None), f"own {winner}": (f"own {winner}", winner, None)}})

    def test_who_is_refused_can_read_why(self, case: Case) -> None:
        """A record refused because its key is taken: the one that has the key can be read then, even beside writers."""
        case.clear()

        async def add(number: int, code: str) -> None:
            change = case.add("country", code=code, name=f"of {number}")
            try:
                for outcome in await case.store.apply([change]):
                    if outcome.error is not None:
                        raise outcome.error
            except AlreadyExists:
                assert code in [row[0] for row in await case.store.fetch(_ALL)], "refused for what nobody can read"

        async def work() -> None:
            for attempt in range(10):
                await asyncio.gather(*(add(number, f"c{attempt}") for number in range(6)))

        case.run(work())
        assert len(case.rows("country")) == 10

    def test_readers_and_writers_at_once(self, case: Case) -> None:
        """While one apply after the other moves an amount from record to record, every reader sees the same sum."""
        case.clear()
        codes = ["a", "b", "c", "d"]
        case.apply(*(case.add("country", code=code, name="x", population=25) for code in codes))
        is_atomic = case.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)

        def move(number: int) -> list[Change]:
            amounts = [25 + (number + place) % 4 * 10 - 15 for place in range(4)]
            return [
                case.update("country", code, population=amount) for code, amount in zip(codes, amounts, strict=True)
            ]

        async def write() -> None:
            for number in range(25):
                await case.store.apply(move(number))

        async def read() -> None:
            for _ in range(25):
                rows = await case.store.fetch(_ALL)
                assert len(rows) == 4
                if is_atomic:
                    assert sum(row[2] for row in rows) == 100
                await asyncio.sleep(0)

        async def work() -> None:
            await asyncio.gather(write(), read(), write(), read())

        case.run(work())

    @requires(Feature.FILTER, Op.EQ)
    def test_many_reads_at_once(self, case: Case) -> None:
        """A hundred reads at once each get their own answer."""
        case.clear()
        case.apply(*(case.add("country", code=f"{n}", name=f"name {n}") for n in range(100)))

        async def one(number: int) -> None:
            query: AnyQuery = Query("country", Compare(("code",), Op.EQ, f"{number}"))
            assert await case.store.fetch(query) == [(f"{number}", f"name {number}", None)]

        async def work() -> None:
            await asyncio.gather(*(one(number) for number in range(100)))

        case.run(work())
