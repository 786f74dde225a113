"""Changes as a store is to write them: checked against what is there and what others hold, as edits of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from holdall.store import Change, Outcome, demand_unreserved
from holdall.stores.yaml.bounds import Growth
from holdall.stores.yaml.constraints import check_references, check_unique
from holdall.stores.yaml.counters import Counters
from holdall.stores.yaml.draft import Draft
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.reservations import NOTHING, Waiting
from holdall.stores.yaml.view import Shelf, View

__all__ = ["Part", "draft_part"]


_FEW = 20


class Part(msgspec.Struct, frozen=True):
    """The outcomes of changes, and the edits that write them: of records, and of the counters of generated keys.

    ``growth`` is, by collection, how much larger they make it.
    """

    outcomes: list[Outcome]
    edits: list[FileEdit]
    counters: list[FileEdit]
    growth: dict[str, Growth]


def draft_part(
    store: str, folder: Folder, shelves: Mapping[str, Shelf], changes: Sequence[Change], waiting: Waiting = NOTHING
) -> Part:
    """The part, under the exclusive lock; nothing is written, but folders that were missing are made.

    Raises Reserved where what waits for another commit is touched, and everything else that ``apply`` raises.
    """
    view = View(store, shelves)
    demand_unreserved(store, changes, view.schemas, waiting.held)
    counters = Counters(store, folder)
    for collection in {change.collection for change in changes} if len(changes) > _FEW else ():
        view.stored(collection)  # at once, which is quicker than one by one
    draft = Draft(store, view, counters)
    outcomes = draft.apply(changes)
    demand_unreserved(store, changes, view.schemas, waiting.held, outcomes)  # counters may be lost, and count anew
    check_unique(draft)
    check_references(draft)
    edits: dict[str, FileEdit] = {}
    growth: dict[str, Growth] = {}
    for collection, changed in draft.changed.items():
        shelves[collection].create()
        waits = waiting.growth.get(collection, Growth())
        more, growth[collection] = shelves[collection].edits(changed, waits, edits, draft.moved(collection))
        edits.update({edit.place: edit for edit in more})
    return Part(outcomes, list(edits.values()), counters.edits(), growth)
