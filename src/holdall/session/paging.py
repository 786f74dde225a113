"""Rows of any number from a store that does not stream: in batches, each after the last row of the one before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from holdall.query import AnyQuery, SortKey
from holdall.session.binding import Binding
from holdall.store import Rows

__all__ = ["paged"]


async def paged(
    query: AnyQuery, binding: Binding, batch: int, rows_of: Callable[[AnyQuery, Binding], Awaitable[Rows]]
) -> AsyncIterator[Rows]:
    """Batches by keyset, for stores that do not stream; the position is read off the last row of each."""
    schema = binding.schema
    keys = [SortKey((name,)) for name in schema.key if SortKey((name,)) not in query.sort_keys]
    query = query.sort(*query.sort_keys, *keys)
    left = query.max_rows
    paths = tuple(key.path for key in query.sort_keys)
    shown = query.projection or tuple((field.name,) for field in schema.stored)
    while left is None or left > 0:
        size = batch if left is None else min(batch, left)
        rows = await rows_of(query.limit(size).only(*shown, *paths), binding)
        if rows:
            yield [row[: len(shown)] for row in rows]
        if len(rows) < size:
            return
        left = None if left is None else left - len(rows)
        query = query.after(*rows[-1][len(shown) :]).offset(0)
