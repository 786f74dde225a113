"""Evidence in a store's records of whether a part was written that the store no longer holds.

Invariant: a part that is held no more was written, unless somebody took away what the store held for it, or put another
store in its place. Both are done by hand, and neither may end a decided commit in half of its stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from holdall.errors import StoreUnavailable
from holdall.query import Query
from holdall.session.binding import Binding
from holdall.session.commit.calls.undo_calls import current_row, holds
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.journal.log_record import Operation, Part
from holdall.store import Row, Verb

__all__ = ["shows_loss"]

_LOOKED_AT = 20
"""Operations of a part whose records are looked at: they were written together, or not at all."""


async def shows_loss(coordinator: Coordinator, part: Part) -> bool:
    """Whether a record of the part is still as it was before, its version too, so that the part was not written.

    Raises StoreUnavailable where the store has no records at all in a collection that the part wrote to, and no
    identity tells that its folder, file or database is the one that held the part.
    """
    is_seen = False
    for binding, item in _telling(coordinator, part):
        row = await current_row(binding, item.key)
        if row is None:
            continue
        is_seen = True
        if _is_as_before(binding, item, row):
            return True
    if not is_seen and not part.identity:
        await _require_records(coordinator, part)
    return False


def _telling(coordinator: Coordinator, part: Part) -> Iterator[tuple[Binding, Operation]]:
    for item in [item for item in part.operations if item.key is not None][:_LOOKED_AT]:
        yield coordinator.bindings.of_name(item.collection), item


def _is_as_before(binding: Binding, item: Operation, row: Row) -> bool:
    version = binding.schema.version
    if version is None or row[binding.schema.positions[version]] != item.version:
        return False
    return item.old is None or holds(binding, row, item.fields, item.old)


async def _require_records(coordinator: Coordinator, part: Part) -> None:
    kept = [item for item in part.operations if item.verb is not Verb.REMOVE]
    for collection, _ in groupby(kept, lambda item: item.collection):
        binding = coordinator.bindings.of_name(collection)
        if not await binding.store.fetch(Query(binding.collection, max_rows=1)):
            raise StoreUnavailable(
                part.store,
                f"it has no records of {collection!r} and nothing of a commit that wrote some: see that its file,"
                " folder or database is the one that it was",
            )
