"""Transactions that a session opens: of one store, whose reads see what was written, with a COMMIT at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import msgspec

from holdall.errors import (
    CommitAborted,
    CommitUnknown,
    HoldallError,
    StateError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.run.lost_answer import LostAnswer
from holdall.session.context import SessionContext
from holdall.session.flushing import Flushing
from holdall.session.open_store import OpenStore
from holdall.store import (
    Feature,
    Isolating,
    Isolation,
    Nesting,
    Store,
    StoreTransaction,
    Transactional,
    demand_isolation,
)

__all__ = ["Transactions"]

_Opened: TypeAlias = AbstractAsyncContextManager[StoreTransaction]


class Transactions(msgspec.Struct, eq=False):
    """Opens the transactions and savepoints of one session.

    >>> from holdall import Holdall, Model, field
    >>> class Account(Model):
    ...     id: int = field(pk=True)
    ...     balance: int = 0
    >>> async def example() -> None:
    ...     app = Holdall("bank")
    ...     app.add_store("main", "memory:")
    ...     app.add(Account, store="main")
    ...     async with app.session() as session:
    ...         async with session.transaction(isolation="serializable"):
    ...             account = session.add(Account(id=1))
    ...             try:
    ...                 async with session.savepoint():
    ...                     account.balance = -5
    ...                     print([each.balance for each in await session.query(Account.where(Account.balance < 0))])
    ...                     raise ValueError
    ...             except ValueError:
    ...                 print(account.balance)
    >>> import asyncio
    >>> asyncio.run(example())
    [-5]
    0
    """

    context: SessionContext
    flushing: Flushing

    @asynccontextmanager
    async def transaction(self, name: str | None, isolation: Isolation | str | None) -> AsyncIterator[None]:
        """A transaction of one store; an exception undoes it, in the records as well.

        Raises StateError within another one, CommitAborted or CommitUnknown where its end is refused.
        """
        context = self.context
        context.demand_open()
        context.demand_no_act("transaction()")
        context.committer.demand_idle()
        if context.bindings.inside is not None:
            raise StateError(
                f"this session is in a transaction of store {context.bindings.inside.store.name!r}: a part that is"
                " undone by itself is async with session.savepoint()"
            )
        opened, inside, is_ending = self._opened(name, isolation), None, False
        try:
            async with opened[1] as transaction:
                inside = self._enter(opened[0], transaction)
                try:
                    yield
                    await self.flushing.flush()
                    is_ending = True
                finally:
                    self._leave()
        except BaseException as error:
            if inside is None:
                raise
            if is_ending and _is_unknown(error):
                context.committer.is_in_doubt = True
                if context.files is not None:
                    context.files.forget()
            else:
                if context.files is not None:
                    context.files.inside.clear()
                self.flushing.take_back(inside)
                await self._look_again(inside)
            if is_ending and isinstance(error, HoldallError):
                raise self._refused(inside, error) from error
            raise
        if context.files is not None:
            await context.files.settle_inside()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction, which an exception undoes by itself, in the records as well.

        Raises StateError outside of a transaction, Unsupported where the store has no savepoints.
        """
        inside = self.context.bindings.inside
        if inside is None:
            raise StateError("a savepoint is part of a transaction: async with session.transaction(): ...")
        if not isinstance(inside.transaction, Nesting):
            raise Unsupported(inside.store.name, Feature.SAVEPOINTS)
        await self.flushing.flush()
        number, files = len(inside.written), self.context.files
        replaced = 0 if files is None else len(files.inside)
        touched, inside.touched = inside.touched, {}
        try:
            async with inside.transaction.savepoint():
                yield
                await self.flushing.flush()
        except BaseException:
            if files is not None:
                del files.inside[replaced:]
            self.flushing.take_back(inside, number)
            await self._look_again(inside)
            raise
        finally:
            inside.touched = {**touched, **inside.touched}

    def _opened(self, name: str | None, isolation: Isolation | str | None) -> tuple[Store, _Opened]:
        store = self._store(name)
        if not isinstance(store, Transactional):
            raise Unsupported(store.name, "transactions", "commit() writes it")
        if isolation is None:
            return store, store.transaction()
        level = _level(isolation)
        demand_isolation(store.name, store.capabilities, level)
        if not isinstance(store, Isolating):
            raise Unsupported(store.name, f"isolation {level.value!r}")
        return store, store.transaction_at(level)

    def _store(self, name: str | None) -> Store:
        stores = self.context.bindings.stores()
        if name is not None:
            found = [store for store in stores if store.name == name]
            if not found:
                names = ", ".join(repr(store.name) for store in stores)
                raise StateError(f"there is no store {name!r} with collections; there are {names or 'none'}")
            return found[0]
        able = [store for store in stores if isinstance(store, Transactional)]
        if len(able) == 1:
            return able[0]
        if not able:
            raise Unsupported(", ".join(store.name for store in stores), "transactions", "commit() writes it")
        names = " or ".join(f"transaction({store.name!r})" for store in able)
        raise StateError(f"say which store the transaction is of: {names}")

    def _enter(self, store: Store, transaction: StoreTransaction) -> OpenStore:
        context = self.context
        inside = context.bindings.inside = OpenStore(store, transaction)
        context.reader.flush = self.flushing.flush
        return inside

    def _leave(self) -> None:
        self.context.bindings.inside = None
        self.context.reader.flush = None

    async def _look_again(self, inside: OpenStore) -> None:
        """Read records anew of which others than flushes have changed what is undone now."""
        await self.context.renewal.after_bulk(inside.touched)
        inside.touched.clear()

    def _refused(self, inside: OpenStore, error: HoldallError) -> HoldallError:
        """The error to raise where the store refused to commit."""
        if not _is_unknown(error):
            return CommitAborted(f"nothing was written: {error}", CommitResult(Guarantee.ATOMIC, 0.0, tuple))
        lost = LostAnswer(inside.store, inside.last, self.context.bindings)
        return CommitUnknown(
            f"the answer to the commit was lost: {error}", CommitResult(Guarantee.ATOMIC, 0.0, tuple, lost)
        )


def _is_unknown(error: BaseException) -> bool:
    """Whether nobody knows if the transaction was committed."""
    if isinstance(error, StoreUnavailable | StoreTimeout):
        return error.is_outcome_unknown
    return not isinstance(error, Exception)  # cancelled while the answer was awaited


def _level(given: Isolation | str) -> Isolation:
    try:
        return Isolation(given)
    except ValueError:
        names = ", ".join(repr(level.value) for level in Isolation)
        raise StateError(f"there is no level of isolation {given!r}; there are {names}") from None
