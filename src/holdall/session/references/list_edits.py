"""Members that a session had come to lists of references and go from them, put into the lists of somebody faster."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

from holdall.errors import StaleVersion
from holdall.model import Field, Record, State, record_in, track_of
from holdall.query import Key, Value
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap
from holdall.session.references.cascade_plan import key_in
from holdall.store import Members

__all__ = ["ListEdits", "stale_record"]


def stale_record(error: Exception, records: IdentityMap, bindings: Bindings) -> Record:
    """The session's changed record that a commit was refused for, as another had changed it; None for other errors."""
    cause = error.__cause__
    if not isinstance(cause, StaleVersion):
        return None
    for record in records.dirty.values():
        is_there = bindings.of_model(type(record)).collection == cause.collection
        if is_there and records.stored_key(record) == cause.key:
            return record
    return None


class ListEdits:
    """The members added to the lists of a record, and those removed."""

    def __init__(self, lists: list[tuple[Field, dict[Key, Any], Members]]) -> None:
        self._lists = lists  # each with its items by what tells them apart

    @classmethod
    def of(cls, record: Record) -> Self | None:
        """Those of a record; None if it was changed in anything else, or had a list put in another order."""
        track, declaration = track_of(record), record.__holdall__
        if track is None or track.state is not State.DIRTY or not track.old:
            return None
        lists = []
        for name, old in track.old.items():
            field = declaration.by_name[name]
            if field in declaration.stamps:
                continue
            if field.form is None:
                return None
            items = {_mark(item): item for item in field.get(record)}
            members = Members.of(items, map(_mark, old))
            if not members.is_in_order:
                return None
            lists.append((field, items, members))
        return cls(lists) if lists else None

    def repeat(self, record: Record) -> None:
        """Add and remove the same members in the lists of the record, as its store has it now."""
        for field, items, members in self._lists:
            now = {_mark(item): item for item in field.get(record)}
            wanted = tuple([now.get(mark, items.get(mark)) for mark in members.applied_to(now)])
            field.write(record, wanted)  # of another end, what was asked there is known beside


def _mark(item: Value) -> Hashable:
    """The key in an item, or what stands for its record while it has none."""
    key = key_in(item)
    return key if key is not None else ("new", id(record_in(item)))
