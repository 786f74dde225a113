"""Changes as a store is to write them: checked against what is there and what others hold, as edits of files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from holdall.store import Change, Held, Outcome, demand_unreserved
from holdall.stores.yaml.constraints import check_references, check_unique
from holdall.stores.yaml.counters import Counters
from holdall.stores.yaml.draft import Draft
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.view import Shelf, View

__all__ = ["Part", "draft_part"]


class Part(msgspec.Struct, frozen=True):
    """What came of the changes, and the edits that write them: of records, and of the counters of generated keys."""

    outcomes: list[Outcome]
    edits: list[FileEdit]
    counters: list[FileEdit]


def draft_part(
    store: str, folder: Folder, shelves: Mapping[str, Shelf], changes: Sequence[Change], held: Collection[Held] = ()
) -> Part:
    """The part, under the exclusive lock; nothing is written, but folders that were missing are made.

    Raises Reserved where another commit holds what the changes touch, and everything else that ``apply`` raises.
    """
    view = View(shelves)
    demand_unreserved(store, changes, view.schemas, held)
    counters = Counters(store, folder)
    draft = Draft(store, view.schemas, view.rows, counters)
    outcomes = draft.apply(changes)
    demand_unreserved(store, changes, view.schemas, held, outcomes)  # counters may be lost, and count anew
    check_unique(draft)
    check_references(draft)
    edits: list[FileEdit] = []
    for collection, changed in draft.changed.items():
        shelves[collection].create()
        edits.extend(shelves[collection].edits(changed))
    return Part(outcomes, edits, counters.edits())
