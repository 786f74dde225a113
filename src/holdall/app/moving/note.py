"""Notes: rows with the keys of records that were changed while their collection moves, each in the same commit."""

from __future__ import annotations

from holdall.app.jobs.key_range import key_of
from holdall.app.moving.rows import note_name
from holdall.events.rows import RowBinding
from holdall.model import Model, field
from holdall.query import Key, Row, Value
from holdall.session import Binding, Bindings, store_within
from holdall.store import Store

__all__ = ["key_of_note", "note_binding"]


def _note_model(name: str) -> Value:
    class MoveNote(Model, collection=name):
        id: str = field(pk=True, length=(1, 40))
        key: str = ""
        made: int | None = None

    return MoveNote


def key_of_note(binding: Binding, row: Row) -> Key:
    """The key that a note names; ``row`` is the whole note."""
    _, text, made = row
    return made if made is not None else key_of(binding, text)


def note_binding(bindings: Bindings, collection: str, store: Store) -> RowBinding:
    """The hidden collection of notes about another, in this store."""
    name = note_name(collection)
    for binding in bindings:
        if binding.collection == name and isinstance(binding, RowBinding):
            if store_within(binding.store) is store_within(store):
                return binding
            found = bindings.relocate(name, store)
            assert isinstance(found, RowBinding)
            return found
    made = RowBinding(_note_model(name), store, awaiting=("made",))
    bindings.add(made)
    bindings.configure()
    return made
