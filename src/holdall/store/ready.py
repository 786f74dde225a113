"""Queries that a store gets ready once, to be asked again and again with other values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from holdall.query import AnyQuery, Value
from holdall.store.contract import Rows

__all__ = ["ReadyQuery", "Readying", "ready_part", "stands_beside"]

_Values: TypeAlias = tuple[Value, ...]


class ReadyQuery(msgspec.Struct, frozen=True, eq=False):
    """A query that is ready: called with values, those of ``holdall.query.values``, it is asked with these.

    ``now`` gives the rows at once, and is None where nothing does; ``rows`` waits for them. Both give None where rows
    are to be asked for by ``fetch`` or ``count``: because that may take longer, or to find out what is wrong. ``rows``
    raises what ``fetch`` raises.

    >>> from holdall.query import FieldSchema, Kind, Schema, parse_query
    >>> from holdall.store import Change, Verb, open_store, ready_part
    >>> store = open_store("main", "sqlite://")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), key=("id",))])
    >>> async def example():
    ...     await store.create()
    ...     await store.apply([Change(Verb.ADD, "book", 1, ("id", "title"), (1, "Emma"))])
    ...     ready = ready_part(store).ready(parse_query("book where id = 7"))
    ...     found = await ready.rows((1,)), await ready.rows((2,))
    ...     await store.close()
    ...     return found
    >>> import asyncio
    >>> asyncio.run(example())
    ([(1, 'Emma')], [])
    """

    now: Callable[[_Values], Rows | None] | None
    rows: Callable[[_Values], Awaitable[Rows | None]]


@runtime_checkable
class Readying(Protocol):
    """A store that gets queries ready. In its absence each is a query as any other.

    A wrapper with a ``fetch`` and ``count`` of its own is asked by these: see ``ready_part``.

    Example: :class:`ReadyQuery`.
    """

    def ready(self, query: AnyQuery, *, is_count: bool = False) -> ReadyQuery | None:
        """The query made ready, or the number of records it means in one row; None as long as that cannot be."""
        ...


def ready_part(store: Value) -> Readying | None:
    """The store as one that gets queries ready; None for others, for what hands on the parts of another store, and for
    a class with another ``fetch`` or ``count`` than those that stand beside its ``ready``.

    Example: :class:`ReadyQuery`.
    """
    return store if stands_beside(store, "ready", "fetch", "count") else None


def stands_beside(store: Value, name: str, *others: str) -> bool:
    """Whether the class that a store has one of these methods from defines the method ``name`` as well.

    Example: :class:`ReadyQuery`.
    """
    asked = {name, *others}
    first = next((each for each in type(store).__mro__ if not asked.isdisjoint(vars(each))), None)
    return first is not None and name in vars(first)
