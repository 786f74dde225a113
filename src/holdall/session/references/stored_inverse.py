"""The other ends of references that are stored: each list is made to say what the references say."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, TypeAlias

from holdall.model import Field, Record, Reference, State, items_of, leads_to, old_of, record_in, state_of
from holdall.query import Key, Value
from holdall.session.binding import Relationship
from holdall.session.references.cascade_plan import CascadePlan, key_in, old_value
from holdall.session.references.fixup import changed_references
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.stub import field_names

__all__ = ["update_stored_inverses"]

_Mark: TypeAlias = tuple[Literal["key"], Key] | tuple[Literal["new"], int, Record]


async def update_stored_inverses(found: CascadePlan, asking: RelatedReader) -> None:
    """Have every stored list of what refers to a record say what the references will say."""
    for binding in found.bindings:
        for relationship in binding.inversely_stored:
            for back in relationship.stored_inverses:
                await _tell(found, asking, relationship, back)
                for record in found.removed.get(relationship.target, {}).values():
                    found.assume(record, back)  # who comes to refer puts himself on its list


async def _tell(found: CascadePlan, asking: RelatedReader, relationship: Relationship, back: Field) -> None:
    """Work out who came and who went for each record referred to, and change its list."""
    news: dict[_Mark, _News] = {}
    made_anew = {record.__key__() for record in found.records.new.values() if type(record) is relationship.target.model}
    for record, before, after in changed_references(found, relationship):
        if relationship.field.form is None or relationship.field.root is not relationship.field:
            found.assume(record, relationship.field)
        old, new = ({_mark(item): None for item in items_of(relationship.field, slot)} for slot in (before, after))
        for mark in old:
            if mark not in new:
                news.setdefault(mark, _News()).gone.append(record)
        for mark in new:  # of those that stay others may have told meanwhile
            if mark not in old or mark[1] in made_anew:
                news.setdefault(mark, _News()).come.append(record)
    for key, record in found.removed.get(relationship.source, {}).items():
        found.assume(record, relationship.field)
        for item in items_of(relationship.field, old_value(record, relationship.field)):
            news.setdefault(_mark(item), _News()).lost.add(key)
    for owner in [*found.records.new.values(), *found.records.dirty.values()]:  # whose list was written itself
        if type(owner) is relationship.target.model and (state_of(owner) is State.NEW or back.name in old_of(owner)):
            news.setdefault(_mark(Reference(relationship.field.target, record=owner)), _News())
    await _write_lists(found, asking, relationship, back, news)


class _News:
    """The records that refer to a record now, those that do so no more, and the keys of those that are removed."""

    def __init__(self) -> None:
        self.come: list[Record] = []
        self.gone: list[Record] = []
        self.lost: set[Key] = set()


def _mark(item: object) -> _Mark:
    """Return the mark of the record referred to: its key, or the record itself while it has none."""
    record = record_in(item) if item.__class__ is Reference else None
    key = key_in(item)
    return ("new", id(record), record) if key is None else ("key", key)


async def _write_lists(
    found: CascadePlan, asking: RelatedReader, relationship: Relationship, back: Field, news: dict[_Mark, _News]
) -> None:
    target, records = relationship.target, found.records
    names = field_names(target, is_changed=True)
    new = {record.__key__(): record for record in records.new.values() if type(record) is target.model}
    wanted = [mark[1] for mark in news if mark[0] == "key" and mark[1] not in new]
    wanted = [key for key in wanted if not found.is_removed(target, key)]
    rows = await asking.rows_of(target, [key for key in wanted if found.known(target, key) is None], names)
    for mark, item in news.items():
        owner = mark[2] if mark[0] == "new" else new.get(mark[1]) or found.known(target, mark[1])
        if owner is None and mark[1] in rows:
            owner = found.record(target, mark[1], names, rows[mark[1]])
        if owner is None or (mark[0] == "key" and found.is_removed(target, mark[1])):
            continue  # a reference to what is not there is refused elsewhere
        _write_list(found, relationship, back, owner, None if mark[0] == "new" else mark[1], item)


def _write_list(
    found: CascadePlan, relationship: Relationship, back: Field, owner: Record, key: Key, news: _News
) -> None:
    before = items_of(back, found.value(owner, back))
    come = {_own_mark(record): record for record in news.come}
    gone = {_own_mark(record) for record in news.gone} - come.keys()
    kept = [
        item
        for item in before
        if (mark := _identity(item)) not in gone
        and mark not in news.lost
        and (mark in come or _is_held_true(found, relationship, item, owner))
    ]
    there = set(map(_identity, kept))
    kept += [Reference(back.target, record=record) for mark, record in come.items() if mark not in there]
    if [*map(_identity, kept)] != [*map(_identity, before)]:
        if state_of(owner) in (State.UNBOUND, State.CLEAN):
            found.system_changes.add(id(owner))
        if back.form is None:
            found.assume(owner, back)
        value: Value = tuple(kept) if back.form is not None else (kept[-1] if kept else None)
        found.change(owner, key, back, value)


def _is_held_true(found: CascadePlan, relationship: Relationship, item: object, owner: Record) -> bool:
    """Whether a record on the list refers to its owner, so far as it is known here."""
    if found.is_removed(relationship.source, key_in(item)):
        return False
    record = record_in(item) if item.__class__ is Reference else found.known(relationship.source, item)
    return record is None or any(
        leads_to(one, owner) for one in items_of(relationship.field, found.value(record, relationship.field))
    )


def _identity(item: Value) -> Hashable:
    """The key in an item, or something that stands for its record while it has none."""
    key = key_in(item)
    return key if key is not None else ("new", id(record_in(item)))


def _own_mark(record: Record) -> Hashable:
    key = record.__key__()
    return key if key is not None else ("new", id(record))
