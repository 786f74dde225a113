"""Stores and their transactions within persistence middleware: the same, but for the calls that it stands around."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import cache
from typing import cast

from holdall.query import AnyQuery, Value
from holdall.session.persistence import Persistence, StoreCall
from holdall.store import BulkChange, Change, Isolation, Outcome, Reservation, Rows, Store, Verb

__all__ = ["in_middleware", "store_within"]


def in_middleware(store: Store, persistence: Persistence) -> Store:
    """The store within persistence middleware; itself where it is. Example: :class:`StoreCall`."""
    return cast(Store, store if isinstance(store, _InMiddleware) else _made(store, persistence))


def store_within(store: Store) -> Store:
    """The store that persistence middleware stands around. Example: :class:`StoreCall`."""
    return store.store_itself if isinstance(store, _InMiddleware) else store


_UNSEEN = frozenset({"ready"})  # parts that would ask the store past the calls, and that others stand in for


class _InMiddleware:
    """Gives everything that its store gives. Its class has the names of that store's parts, as optional parts of the
    contract are known by their names, but for those that would ask the store unseen.
    """

    store_itself: Value
    persistence: Persistence

    def __init__(self, store: object, persistence: Persistence) -> None:
        self.__dict__.update(store_itself=store, persistence=persistence)

    def __getattr__(self, name: str) -> Value:
        return getattr(self.store_itself, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.store_itself, name, value)

    def __repr__(self) -> str:
        return repr(self.store_itself)


def _made(store: object, persistence: Persistence) -> _InMiddleware:
    names = frozenset(name for name in dir(store) if not name.startswith("_")) - _UNSEEN
    return _class_for(type(store).__name__, names)(store, persistence)


@cache
def _class_for(named: str, names: frozenset[str]) -> type[_InMiddleware]:
    body: dict[str, Value] = {name: _handed_on(name) for name in names}
    body |= {name: verb for name, verb in _VERBS.items() if name in names}
    return type(named, (_InMiddleware,), body)


def _handed_on(name: str) -> property:
    return property(lambda self: getattr(self.store_itself, name))


# --- the calls --------------------------------------------------------------------------------------------------------


async def _fetch(self: _InMiddleware, query: AnyQuery) -> Rows:
    call = StoreCall(verb="fetch", store=_name(self), query=query)
    found: Rows = await self.persistence.pass_on(call, lambda call: self.store_itself.fetch(call.query))
    return found


async def _count(self: _InMiddleware, query: AnyQuery) -> int:
    call = StoreCall(verb="count", store=_name(self), query=query)
    found: int = await self.persistence.pass_on(call, lambda call: self.store_itself.count(call.query))
    return found


async def _stream(self: _InMiddleware, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
    async def last(call: StoreCall) -> Value:
        return self.store_itself.stream(call.query, batch)

    rows = await self.persistence.pass_on(StoreCall(verb="stream", store=_name(self), query=query), last)
    async with aclosing(rows):
        async for each in rows:
            yield each


async def _apply(self: _InMiddleware, changes: Sequence[Change]) -> Sequence[Outcome]:
    call = StoreCall(verb="apply", store=_name(self), changes=changes)
    found: Sequence[Outcome] = await self.persistence.pass_on(call, lambda _: self.store_itself.apply(changes))
    return found


async def _change_all(self: _InMiddleware, change: BulkChange) -> int:
    call = StoreCall(verb="change_all", store=_name(self), bulk=change)
    found: int = await self.persistence.pass_on(call, lambda _: self.store_itself.change_all(change))
    return found


async def _prepare(self: _InMiddleware, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
    call = StoreCall(verb="prepare", store=_name(self), changes=changes)
    found: Sequence[Outcome] = await self.persistence.pass_on(
        call, lambda _: self.store_itself.prepare(reservation, changes)
    )
    return found


async def _commit_prepared(self: _InMiddleware, commit: str, changes: Sequence[Change]) -> bool:
    call = StoreCall(verb="commit_prepared", store=_name(self), changes=changes)
    found: bool = await self.persistence.pass_on(call, lambda _: self.store_itself.commit_prepared(commit, changes))
    return found


async def _fetch_record(self: _InMiddleware, collection: str, key: Mapping[str, Value], session: object) -> Value:
    call = StoreCall(verb="fetch_record", store=_name(self), collection=collection, key=key)
    return await self.persistence.pass_on(call, lambda _: self.store_itself.fetch_record(collection, key, session))


async def _apply_record(self: _InMiddleware, verb: Verb, collection: str, record: Value, session: object) -> Outcome:
    call = StoreCall(verb="apply_record", store=_name(self), collection=collection, record=record)
    found: Outcome = await self.persistence.pass_on(
        call, lambda _: self.store_itself.apply_record(verb, collection, record, session)
    )
    return found


def _transaction(self: _InMiddleware) -> AbstractAsyncContextManager[Value]:
    return _within(self, self.store_itself.transaction())


def _transaction_at(self: _InMiddleware, isolation: Isolation) -> AbstractAsyncContextManager[Value]:
    return _within(self, self.store_itself.transaction_at(isolation))


@asynccontextmanager
async def _within(store: _InMiddleware, opened: AbstractAsyncContextManager[object]) -> AsyncIterator[_InMiddleware]:
    async with opened as transaction:
        made = _made(transaction, store.persistence)
        made.__dict__["holdall_store_name"] = _name(store)
        yield made


def _name(self: _InMiddleware) -> str:
    name: str = self.__dict__.get("holdall_store_name") or self.store_itself.name
    return name


_VERBS: dict[str, Callable[..., Value]] = {
    verb.__name__[1:]: verb
    for verb in (
        _fetch,
        _count,
        _stream,
        _apply,
        _change_all,
        _prepare,
        _commit_prepared,
        _fetch_record,
        _apply_record,
        _transaction,
        _transaction_at,
    )
}
