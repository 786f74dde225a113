"""The rows of a query of any number: from stores that stream, and page by page from others."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import cast

from holdall.errors import Unsupported
from holdall.query import AnyQuery
from holdall.session.binding import Binding
from holdall.session.paging import paged
from holdall.session.references.cross_store import CrossStore
from holdall.session.references.locality import is_local
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.references.standing import names_deletion
from holdall.store import Feature, Rows, Store, StoreTransaction, Streaming

__all__ = ["row_batches", "standing_rows"]


def row_batches(
    query: AnyQuery,
    binding: Binding,
    batch: int,
    store: Store | StoreTransaction,
    semi_joins: SemiJoins,
    rows_of: Callable[[AnyQuery, Binding], Awaitable[Rows]],
) -> AsyncGenerator[Rows]:
    """The rows of a query as its store can answer it, at most ``batch`` at a time; ``rows_of`` reads a page.

    Raises Unsupported for records without a key in a store that does not stream.
    """
    cross_store = CrossStore(semi_joins)
    if not is_local(query) and cross_store.sorts_away(query, binding):
        batches = cross_store.stream(query, binding, batch)
    elif isinstance(store, Streaming) and not cross_store.shows_away(query, binding):
        batches = store.stream(query, batch)
    else:
        if binding.is_keyless:
            raise Unsupported(binding.store.name, Feature.KEYLESS, "its records cannot be read page by page")
        batches = paged(query, binding, batch, rows_of)
    return cast("AsyncGenerator[Rows]", batches)


def standing_rows(binding: Binding, query: AnyQuery, rows: Rows) -> Rows:
    """Those of whole rows whose records are not deleted, as far as the query does not ask for that."""
    deletion = binding.declaration.deletion
    if deletion is None or names_deletion(binding, query):
        return rows
    place = binding.all_fields.index(deletion.name)
    return [row for row in rows if row[place] is None]
