"""Persistence middleware: what stands around each call of a store, with the query or the changes of that call."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, cast

import msgspec

from holdall.errors import DeclarationError, StateError
from holdall.query import AnyQuery, Value
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import BulkChange, Change

__all__ = ["Persistence", "StoreCall", "StoreHandler"]

_HIDDEN = frozenset({JOURNAL.name, MARKER.name})


class StoreCall(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One call of a store: its verb, and the query or the changes that it is about.

    ``verb`` is "fetch", "count", "stream", "apply", "change_all" (of a bulk change), "prepare" or "commit_prepared"
    (votes and parts of commits over several stores), "fetch_record" or "apply_record" (of hand-written DAOs, by
    ``key`` and ``record``). ``context`` is the one that the call is made in, if any. Rows that Holdall keeps for itself
    are not among the changes.

    >>> from holdall.query import Query
    >>> call = StoreCall(verb="fetch", store="main", query=Query("book"))
    >>> call.collections, call.is_write, call.replace(query=Query("book").limit(1)).query.max_rows
    (('book',), False, 1)
    """

    verb: str
    store: str
    query: AnyQuery | None = None
    changes: Sequence[Change] = ()
    bulk: BulkChange | None = None
    collection: str | None = None
    key: Mapping[str, Value] | None = None
    record: Value = None
    context: Value = None

    @property
    def is_write(self) -> bool:
        """Whether the call writes."""
        return self.verb in ("apply", "change_all", "prepare", "commit_prepared", "apply_record")

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections that the call is about, each once."""
        if self.collection is not None:
            return (self.collection,)
        asked = self.query if self.bulk is None else self.bulk.query
        return (asked.collection,) if asked is not None else tuple({each.collection: 0 for each in self.changes})

    def replace(self, *, query: AnyQuery) -> StoreCall:
        """Return the call with another query, which gives rows of the same form."""
        return msgspec.structs.replace(self, query=query)


StoreHandler: TypeAlias = Callable[[StoreCall], Awaitable[Value]]
"""Goes on with a call of a store, and gives what that gives: rows, a number, or outcomes."""
_Middleware: TypeAlias = Callable[[StoreCall, StoreHandler], Awaitable[Value]]


class Persistence:
    """The persistence middleware of an application, outermost first. Example: :class:`StoreCall`."""

    def __init__(self, context: Callable[[], Value]) -> None:
        self._context = context
        self._middleware: list[_Middleware] = []
        self._given: list[object] = []

    def add(self, given: object) -> None:
        """Take one more, within those that are there. Raises DeclarationError for what is no async function of two."""
        self._middleware.append(_function_of(given))
        self._given.append(given)

    def replace(self, former: object, given: object) -> None:
        """Put another in the place of one. Raises DeclarationError where that is not there."""
        for place, each in enumerate(self._given):
            if each is former:
                self._middleware[place], self._given[place] = _function_of(given), given
                return
        told = getattr(former, "__qualname__", type(former).__name__)
        raise DeclarationError(f"{told} is no persistence middleware of this application")

    async def pass_on(self, call: StoreCall, last: StoreHandler) -> Value:
        """Hand a call to the outermost, and in the end to the store."""
        if call.changes:
            shown = [change for change in call.changes if change.collection not in _HIDDEN]
            if not shown:
                return await last(call)
            call = msgspec.structs.replace(call, changes=shown)
        elif call.query is not None and call.query.collection in _HIDDEN:
            return await last(call)
        return await self._handler(0, last)(msgspec.structs.replace(call, context=self._context()))

    def _handler(self, number: int, last: StoreHandler) -> StoreHandler:
        if number == len(self._middleware):
            return last

        async def handle(call: StoreCall) -> Value:
            if not isinstance(call, StoreCall):
                raise StateError(f"persistence middleware hands on a StoreCall, not {type(call).__name__}")
            return await self._middleware[number](call, self._handler(number + 1, last))

        return handle


def _function_of(given: object) -> _Middleware:
    found: Value = given() if isinstance(given, type) else given
    called = found if inspect.isroutine(found) else getattr(found, "__call__", None)  # noqa: B004
    if not inspect.iscoroutinefunction(called):
        told = getattr(given, "__qualname__", type(given).__name__)
        raise DeclarationError(f"persistence middleware is an async function of (call, handler), and {told} is not")
    try:
        inspect.signature(found).bind(None, None)
    except TypeError:
        told = getattr(given, "__qualname__", type(given).__name__)
        raise DeclarationError(f"persistence middleware takes (call, handler), and {told} does not") from None
    return cast(_Middleware, found)
