"""Savepoints, levels of isolation and locks: what more a transaction may offer."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from holdall.errors import AlreadyExists, LockConflict, StoreError, Unsupported
from holdall.query import AnyQuery, Compare, Op, Query, SortKey
from holdall.store import Feature, Isolating, Isolation, Locking, LockMode, Nesting, Transactional
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["Nested"]

_ALL: AnyQuery = Query("country")


class _Undo(Exception):
    """Ends a part that must leave no trace."""


class Nested:
    """Transactions within a transaction, and what they promise beside others."""

    @requires(Feature.SAVEPOINTS, Transactional)
    def test_savepoints(self, case: Case) -> None:
        """Writes after a savepoint can be undone alone, at any depth; those before it stay."""
        case.clear()
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                assert isinstance(transaction, Nesting)
                await transaction.apply([case.add("country", code="A", name="a")])
                with pytest.raises(_Undo):
                    async with transaction.savepoint():
                        await transaction.apply(
                            [case.add("country", code="B", name="b"), case.update("country", "A", name="x")]
                        )
                        async with transaction.savepoint():
                            await transaction.apply([case.remove("country", "A")])
                        assert sorted(await transaction.fetch(_ALL)) == [("B", "b", None)]
                        raise _Undo
                assert sorted(await transaction.fetch(_ALL)) == [("A", "a", None)]
                async with transaction.savepoint():
                    await transaction.apply([case.add("country", code="C", name="c")])
                    with pytest.raises(_Undo):
                        async with transaction.savepoint():
                            await transaction.apply([case.update("country", "C", name="y")])
                            raise _Undo

        case.run(work())
        case.holds({"country": {"A": ("A", "a", None), "C": ("C", "c", None)}})

    @requires(Feature.SAVEPOINTS, Transactional)
    def test_a_refusal_after_a_savepoint(self, case: Case) -> None:
        """A transaction goes on where a part of it was refused."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                assert isinstance(transaction, Nesting)
                with pytest.raises(AlreadyExists):
                    async with transaction.savepoint():
                        await transaction.apply([case.add("country", code="B", name="b")])
                        await transaction.apply([case.add("country", code="A", name="!")])
                await transaction.apply([case.add("country", code="C", name="c")])

        case.run(work())
        case.holds({"country": {"A": ("A", "a", None), "C": ("C", "c", None)}})

    @requires(Feature.SAVEPOINTS, Transactional)
    def test_savepoints_of_what_is_undone(self, case: Case) -> None:
        """A part that ended well is undone with the transaction."""
        case.clear()
        store = case.store
        assert isinstance(store, Transactional)

        async def work() -> None:
            async with store.transaction() as transaction:
                assert isinstance(transaction, Nesting)
                async with transaction.savepoint():
                    await transaction.apply([case.add("country", code="A", name="a")])
                raise _Undo

        with pytest.raises(_Undo):
            case.run(work())
        case.holds({})

    def test_levels(self, case: Case) -> None:
        """A level that is declared can be had, and any other is refused by name."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store
        if not isinstance(store, Isolating):
            assert not store.capabilities.isolation
            return

        async def work(level: Isolation) -> None:
            async with store.transaction_at(level) as transaction:
                assert await transaction.fetch(_ALL) == [("A", "a", None)]
                await transaction.apply(
                    [case.update("country", "A", population=1), case.update("country", "A", name="x")]
                )
                assert await transaction.fetch(_ALL) == [("A", "x", 1)]
                raise _Undo

        for level in Isolation:
            with pytest.raises(_Undo if level in store.capabilities.isolation else Unsupported):
                case.run(work(level))
        case.holds({"country": {"A": ("A", "a", None)}})

    def test_what_was_read_stays(self, case: Case) -> None:
        """From REPEATABLE_READ on, what was read is read alike again, whatever others write meanwhile."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"))
        store = case.store

        async def write() -> None:
            await store.apply([case.update("country", "A", name="other")])

        async def work(level: Isolation) -> None:
            assert isinstance(store, Isolating)
            async with store.transaction_at(level) as transaction:
                before = await transaction.fetch(_ALL)
                writing = asyncio.ensure_future(write())
                await asyncio.wait([writing], timeout=0.1)  # a store may make writers wait for the end
                assert await transaction.fetch(_ALL) == before
            await writing

        for level in (Isolation.REPEATABLE_READ, Isolation.SNAPSHOT, Isolation.SERIALIZABLE):
            if level in store.capabilities.isolation:
                case.run(work(level))
                case.holds({"country": {"A": ("A", "other", None)}})
                case.apply(case.update("country", "A", name="a"))

    def test_locks(self, case: Case) -> None:
        """Records that were read with a lock are written by nobody else before the transaction ends."""
        if not _has_locks(case):
            return
        case.clear()
        case.apply(case.add("country", code="A", name="a"), case.add("country", code="B", name="b"))
        store, order = case.store, list[str]()
        assert isinstance(store, Transactional)
        query: AnyQuery = Query("country", Compare(("code",), Op.EQ, "A"))

        async def write() -> None:
            is_written = False
            while not is_written:  # a store may bear locks of others for a short time only
                with suppress(LockConflict):
                    await store.apply([case.update("country", "A", name="other")])
                    is_written = True
            order.append("other")

        async def work(lock: LockMode) -> None:
            async with store.transaction() as transaction:
                assert isinstance(transaction, Locking)
                assert await transaction.fetch_locked(query, lock) == [("A", "a", None)]
                writing = asyncio.ensure_future(write())
                await asyncio.wait([writing], timeout=0.1)
                order.append("mine")
                if lock is not LockMode.SHARE:  # which two may have, so that neither may write for sure
                    await transaction.apply([case.update("country", "A", name="mine")])
            await writing

        for lock in LockMode:
            order.clear()
            case.run(work(lock))
            assert order == ["mine", "other"], lock
            case.holds({"country": {"A": ("A", "other", None), "B": ("B", "b", None)}})
            case.apply(case.update("country", "A", name="a"))

    def test_locks_of_others(self, case: Case) -> None:
        """NOWAIT is refused at once and the transaction goes on; SKIP leaves out what others have locked.

        Where one transaction waits for another as a whole, neither is seen.
        """
        if not _has_locks(case):
            return
        case.clear()
        case.apply(case.add("country", code="A", name="a"), case.add("country", code="B", name="b"))
        store = case.store
        assert isinstance(store, Transactional)
        one: AnyQuery = Query("country", Compare(("code",), Op.EQ, "A"))
        both: AnyQuery = Query("country").sort(SortKey(("code",)))

        async def beside() -> None:
            async with store.transaction() as other:
                assert isinstance(other, Locking)
                assert await other.fetch_locked(both, LockMode.SKIP) == [("B", "b", None)]
                with pytest.raises(LockConflict):
                    await other.fetch_locked(one, LockMode.NOWAIT)
                await other.apply([case.update("country", "B", name="x")])

        async def work() -> None:
            async with AsyncExitStack() as stack:
                mine = await stack.enter_async_context(store.transaction())
                assert isinstance(mine, Locking)
                await mine.fetch_locked(one, LockMode.UPDATE)
                second = asyncio.ensure_future(beside())
                done, _ = await asyncio.wait([second], timeout=2.0)
                if not done:
                    second.cancel()
                    await asyncio.wait([second])
                    return
                second.result()

        case.run(work())

    def test_locks_follow_nobody(self, case: Case) -> None:
        """A lock of records that are found by what they refer to."""
        if not _has_locks(case) or Feature.RELATIONS not in case.store.capabilities.features:
            return
        case.load()
        store = case.store
        assert isinstance(store, Transactional)
        query: AnyQuery = Query("author", Compare(("country", "code"), Op.EQ, "FR")).sort(SortKey(("id",)))

        async def work() -> None:
            async with store.transaction() as transaction:
                assert isinstance(transaction, Locking)
                assert await transaction.fetch_locked(query, LockMode.UPDATE) == await transaction.fetch(query)

        case.run(work())


def _has_locks(case: Case) -> bool:
    """Whether reads can lock; a store that has no locks declares none."""
    store = case.store
    if store.capabilities.locks:
        return True

    async def look() -> bool:
        assert isinstance(store, Transactional)
        async with store.transaction() as transaction:
            return isinstance(transaction, Locking)

    if isinstance(store, Transactional):
        try:
            assert not case.run(look())
        except StoreError:
            return False
    return False
