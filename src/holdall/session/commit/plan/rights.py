"""The rights that the changes of a session need, demanded before any store is asked.

Records that a user may not read make no difference to what a commit answers. So whatever might reveal them is refused
whether they are there or not: new references to them, edits at other ends of references, removals that concern them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from holdall.errors import FieldError, Forbidden, ValidationError
from holdall.model import (
    BackEdit,
    Field,
    OnDelete,
    Record,
    Reference,
    State,
    items_of,
    old_of,
    record_in,
    slot_of,
    state_of,
    track_of,
    turns_deletion,
)
from holdall.policy import Right, User
from holdall.query import Key, Value
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.identity import IdentityMap

__all__ = ["changed_otherwise", "demand_rights", "demand_sight", "demand_whole", "rights_of_removal", "turned"]

_RIGHT_OF = {OnDelete.CASCADE: Right.DELETE, OnDelete.UNLINK: Right.UPDATE, OnDelete.RESTRICT: Right.READ}


def demand_rights(records: IdentityMap, bindings: Bindings, user: User) -> None:
    """Raise Forbidden unless the user has the rights to all that a session changes.

    Records that get other keys, and changes of the system, follow from the changes of users and need none.
    """
    if user.unrestricted:
        return
    made: Iterable[Record] = records.new.values()
    written: Iterable[Record] = records.dirty.values()
    gone: Iterable[Record] = records.deleted.values()
    if quiet := records.system_changes:
        written = [record for record in written if id(record) not in quiet]
    if moving := records.moving:
        made, gone = ([record for record in group if id(record) not in moving] for group in (made, gone))
    _demand_groups(bindings, user, made, changed_otherwise(written), [*gone, *turned(written)])


def _demand_groups(
    bindings: Bindings, user: User, made: Iterable[Record], written: Iterable[Record], gone: Iterable[Record]
) -> None:
    for right, records in ((Right.CREATE, made), (Right.UPDATE, written), (Right.DELETE, gone)):
        for model in {type(record) for record in records}:
            binding = bindings.of_model(model)
            binding.policy.demand(right, user, binding.collection)


def turned(dirty: Iterable[Record]) -> list[Record]:
    """The changed records that are deleted or restored by what is changed of them. Example: :class:`Binding`."""
    return [record for record in dirty if record.__holdall__.deletion and turns_deletion(record, old_of(record))]


def changed_otherwise(dirty: Iterable[Record]) -> list[Record]:
    """The changed records of which more is changed than that they are deleted or restored.

    Example: :class:`Binding`.
    """
    return [record for record in dirty if not (record.__holdall__.deletion and _only_turns(record))]


def _only_turns(record: Record) -> bool:
    old, declaration = old_of(record), record.__holdall__
    stamps = {field.name for field in declaration.stamps}
    return turns_deletion(record, old) and stamps.issuperset(old)


def rights_of_removal(binding: Binding, *, is_final: bool = True) -> Iterator[tuple[Binding, Right]]:
    """The rights that the removal of a record may need in collections that refer to it, whether or not anything does.

    To delete what goes with it, to update what it is taken out of, to read what may stand in the way. A deletion after
    which records stay, which is not ``is_final``, takes along those alone that stay as well, and out of nothing.

    Example: :class:`Binding`.
    """
    pending, seen = [binding], {binding}
    while pending:
        for relationship in pending.pop().bound_by:
            if not is_final and not relationship.is_followed_softly:
                continue
            yield relationship.source, _RIGHT_OF[relationship.on_delete]
            if relationship.on_delete is OnDelete.CASCADE and relationship.source not in seen:
                seen.add(relationship.source)
                pending.append(relationship.source)


def demand_whole(binding: Binding, right: Right, user: User) -> None:
    """Raise Forbidden unless the user has the right for every record of a collection, of his tenant if it has such.

    Example: :class:`Binding`.
    """
    if not binding.policy.is_whole(right, user):
        raise Forbidden(right, binding.collection)


def demand_sight(records: IdentityMap, bindings: Bindings, user: User) -> None:
    """Refuse changes whose answer could reveal records that the user may not read.

    Raises Forbidden where a right is missing, ValidationError with every reference in question.
    """
    new, dirty, deleted = list(records.new.values()), list(records.dirty.values()), list(records.deleted.values())
    turning = turned(dirty)
    _demand_groups(bindings, user, new, changed_otherwise(dirty), [*deleted, *turning])
    for is_final, group in ((True, deleted), (False, turning)):
        for model in {type(record) for record in group}:
            for source, right in rights_of_removal(bindings.of_model(model), is_final=is_final):
                demand_whole(source, right, user)
    for model in {type(record) for record in records.rekeyed.values()}:
        _demand_rekeying(bindings.of_model(model), user)
    if not bindings.has_bonds:
        return
    changed, errors, names = [*new, *dirty], list[FieldError](), set[str]()
    unseen = {model: _unseen(bindings.of_model(model), user) for model in {type(record) for record in changed}}
    if any(unseen.values()):
        for number, record in enumerate(changed):
            for relationship in unseen[type(record)]:
                if _has_unseen_keys(records, relationship, record):
                    place = f"{bindings.of_model(type(record)).collection}[{number}]." if len(changed) > 1 else ""
                    errors.append(_refusal(place + relationship.field.name))
                    names.add(type(record).__name__)
    for edit in records.backs.edits.values():
        track = track_of(edit.owner)
        if track is not None and track.link is not None and _leads_to_unseen(records, bindings, user, edit):
            errors.append(_refusal(edit.name))
            names.add(type(edit.owner).__name__)
    if errors:
        raise ValidationError(names.pop() if len(names) == 1 else "commit", errors)


def _demand_rekeying(binding: Binding, user: User) -> None:
    """Raise Forbidden unless the user may change all that refers to the records by their keys, and sees every field of
    those that are written whole: whether he may change a record itself is decided with it.
    """
    pending, seen = [binding], {binding}
    while pending:
        moved = pending.pop()
        if moved.policy.hidden(user):
            raise Forbidden("change keys of", moved.collection)
        for relationship in moved.bound_by:
            source = relationship.source
            demand_whole(source, Right.UPDATE, user)
            if relationship.field in source.declaration.key and source not in seen:
                seen.add(source)
                pending.append(source)


def _unseen(binding: Binding, user: User) -> list[Relationship]:
    """The references into collections that the user may not read."""
    return [
        relationship
        for relationship in binding.relationships
        if not relationship.target.policy.allows(Right.READ, user)
    ]


def _has_unseen_keys(records: IdentityMap, relationship: Relationship, record: Record) -> bool:
    """Whether the record refers to others than before, but for those that are new in this session."""
    field, before = relationship.field, set[Any]()
    if state_of(record) is not State.NEW:
        old = old_of(record)
        if field.root.name not in old:
            return False
        before = _keys(field, slot_of(field, old[field.root.name]))
    asked = _keys(field, field.get(record)) - before
    return any(not _is_new(records, relationship.target, key) for key in asked)


def _leads_to_unseen(records: IdentityMap, bindings: Bindings, user: User, edit: BackEdit) -> bool:
    """Whether stored records that the user may not read are to be changed for an edit at the other end of references.

    Raises Forbidden where he may not change them.
    """
    owner = bindings.of_model(type(edit.owner))
    field = owner.declaration.by_name[edit.name]
    source = next(relationship.source for relationship in owner.bound_by if field in relationship.backs)
    is_rewritten = edit.kept is not None and state_of(edit.owner) is not State.NEW
    if not is_rewritten and all(_is_new(records, source, key) for key in [*edit.added, *edit.removed]):
        return False
    source.policy.demand(Right.UPDATE, user, source.collection)
    if is_rewritten and not (source.policy.is_whole(Right.READ, user) and source.policy.is_whole(Right.UPDATE, user)):
        return True
    return not source.policy.allows(Right.READ, user)


def _keys(field: Field, slot: Value) -> set[Key]:
    """The keys in the slot of a reference, or of a list of them; not of records that are yet to be stored."""
    found = set[Key]()
    for item in items_of(field, slot):
        record = record_in(item) if item.__class__ is Reference else None
        if record is None or state_of(record) is not State.NEW:
            found.add(item.key if item.__class__ is Reference else item)
    return found


def _is_new(records: IdentityMap, binding: Binding, key: Key) -> bool:
    record = records.find(binding.model, key)
    return record is not None and state_of(record) is State.NEW


def _refusal(path: str) -> FieldError:
    return FieldError(path, "reference", "can be given by those only who may read what it refers to")
