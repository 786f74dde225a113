"""The other end of a reference, written: what is asked there becomes a change of the references themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from holdall.errors import FieldError, StateError, ValidationError
from holdall.model.reference import Reference, key_of_value, record_in, session_of
from holdall.model.reference_slots import leads_to, refers_to, write_slot
from holdall.model.state import State
from holdall.model.tracking import InstanceState, Record, SessionLink, gc_track, set_track, state_of, track_of
from holdall.query import Key, Value

__all__ = ["BackEdit", "catch_up", "edits_of", "link", "rewrite", "unlink"]

_STORED = (State.CLEAN, State.DIRTY, State.DELETED)


class BackEdit(msgspec.Struct, eq=False):
    """The edits made at the other end of a reference since the last commit.

    ``kept`` are the records and keys that were assigned, None where nothing was assigned. ``added`` and ``removed`` are
    keys of records that were not at hand: left for the commit, or until they are loaded. Those removed have True where
    they had been added since the last commit: whomever they referred to before, it is nobody now. ``written`` are the
    records whose own references were changed. In ``sessions`` the edit was applied to every record that was or came to
    hand; edits noted here now were made later.

    Example: :class:`Related`.
    """

    owner: Record
    name: str
    kept: list[Any] | None = None
    added: dict[Any, None] = msgspec.field(default_factory=dict)
    removed: dict[Any, bool] = msgspec.field(default_factory=dict)
    written: list[Any] = msgspec.field(default_factory=list)
    sessions: list[SessionLink | None] = msgspec.field(default_factory=list)

    def leave(self, record: Record, key: Key) -> None:
        """Leave for the commit what was done to this record, as another instance of it stands for its key."""
        if refers_to(_other(self.owner, self.name), record, self.owner):
            self.added[key] = None
        elif self.kept is None:
            self.removed[key] = False


def rewrite(owner: Record, name: str, values: Iterable[Value]) -> None:
    """Let just these refer to the owner by the reference that ``name`` is the other end of."""
    items = _validated(owner, name, values)
    edit, known, session, other = _edit(owner, name), _known(owner, name), session_of(owner), _other(owner, name)
    found = [_at_hand(owner, name, item) for item in items]
    wanted = set(map(id, found))
    here = session.at_hand(_field(owner, name).target()) if session is not None and other.may_be_emptied else ()
    for record in [*(known or ()), *edit.written, *here]:
        if id(record) not in wanted and _turn_away(owner, record, other):
            edit.written.append(record)
    for record in found:
        if record is not None:
            _point(owner, record, other)
            edit.written.append(record)
    absent = [item for item, record in zip(items, found, strict=True) if record is None]
    edit.removed = dict.fromkeys([*edit.added, *(key for key, had in edit.removed.items() if had)], True)
    edit.kept, edit.added = list(items), {}
    for item in absent:
        _ask_for(owner, edit, item)
    if known is not None and session is not None:
        session.keep_back(owner, name, None if None in found else found)


def link(owner: Record, name: str, value: object) -> None:
    """Let this record, or the one with this key, refer to the owner too."""
    (item,) = _validated(owner, name, (value,))
    field, record = _field(owner, name), _at_hand(owner, name, item)
    edit, known, session = _edit(owner, name), _known(owner, name), session_of(owner)
    edit.removed.pop(key_of_value(item), None)
    if edit.kept is not None:
        edit.kept.append(item)
    if record is None:
        _ask_for(owner, edit, item)
        if known is not None and session is not None:
            session.keep_back(owner, name, None)
    else:
        _point(owner, record, _other(owner, name))
        edit.written.append(record)
        if known is not None and not any(record is one for one in known):
            known.append(record)
    if field.is_stored and not any(_same(item, one) for one in field.get(owner)):
        field.write(owner, (*field.get(owner), item))


def unlink(owner: Record, name: str, value: object) -> None:
    """Let this record, or the one with this key, refer to the owner no more."""
    (item,) = _validated(owner, name, (value,))
    field, record = _field(owner, name), _at_hand(owner, name, item)
    edit, known = _edit(owner, name), _known(owner, name)
    key = key_of_value(item)
    if record is None:
        edit.removed[key] = key in edit.added or edit.removed.get(key, False)
    elif _turn_away(owner, record, _other(owner, name)):
        edit.written.append(record)
    edit.added.pop(key, None)
    if edit.kept is not None:
        edit.kept = [one for one in edit.kept if not _same(item, one)]
    if known is not None:
        known[:] = [one for one in known if one is not record]
    if field.is_stored:
        field.write(owner, _without(field, owner, item))


def edits_of(record: Record, edits: dict[tuple[int, str], BackEdit]) -> dict[tuple[int, str], BackEdit]:
    """Remove the edits made at the other ends of a record from the edits of its session, and return them.

    Example: :class:`Related`.
    """
    return {place: edits.pop(place) for place in [place for place in edits if place[0] == id(record)]}


def catch_up(edit: BackEdit, record: Record) -> None:
    """Do to a record that has come to hand what was asked at the other end.

    Assignments to the record from then on are later than the edit. Where it cannot be done here, it is left for the
    commit.

    Example: :class:`Related`.
    """
    other, key = _other(edit.owner, edit.name), record.__key__()
    is_removed = key in edit.removed or (
        edit.kept is not None and not any(key == key_of_value(one) for one in edit.kept)
    )
    if other.frozen or (is_removed and not other.may_be_emptied):
        return
    if key in edit.added:
        del edit.added[key]
        _point(edit.owner, record, other)
    elif edit.removed.pop(key, False) and other.form is None:
        write_slot(other, record, None)
    elif not is_removed or not _turn_away(edit.owner, record, other):
        return
    edit.written.append(record)


def _ask_for(owner: Record, edit: BackEdit, key: Key) -> None:
    """Have the record with this key refer to the owner: where it refers to one only, no more to any other."""
    edit.added[key] = None
    edit.removed.pop(key, None)
    field = _field(owner, edit.name)
    if _other(owner, edit.name).form is None:
        for rival in _edits(owner).values():
            if rival is not edit and rival.name == edit.name and type(rival.owner) is type(owner):
                if key in rival.added and field.is_stored:
                    field.write(rival.owner, _without(field, rival.owner, key))
                rival.added.pop(key, None)
                rival.removed.pop(key, None)


def _without(field: Any, owner: Record, item: Value) -> Value:
    """Return the keys of the stored other end without this item."""
    if field.form is None:
        return None
    return [one for one in field.get(owner) if not _same(item, one)]


def _field(owner: Record, name: str) -> Any:
    return type(owner).__holdall__.by_name[name]


def _other(owner: Record, name: str) -> Any:
    """The reference that the field is the other end of."""
    field = _field(owner, name)
    return field.target().__holdall__.reference(field.options.back)


def _validated(owner: Record, name: str, values: object) -> tuple[Value, ...]:
    """Keys, and References that have their records; of a stored record that another session holds, the key.

    Raises ValidationError for what is neither, StateError for a discarded record.
    """
    field, errors = _field(owner, name), list[FieldError]()
    items: tuple[Value, ...] = field.admit_items(values, errors)
    if errors:
        raise ValidationError(type(owner).__name__, errors)
    for item in items:
        record = record_in(item) if item.__class__ is Reference else None
        if record is not None and state_of(record) is State.DISCARDED:
            raise StateError(f"{type(owner).__name__}.{name}: this {type(record).__name__} was discarded; make it anew")
    return tuple([item.key if _is_elsewhere(owner, item) else item for item in items])


def _is_elsewhere(owner: Record, item: object) -> bool:
    """Whether the record is stored and another session's than that of the owner, if this is one that can write."""
    if item.__class__ is not Reference:
        return False
    track, own = track_of(record_in(item)), track_of(owner)
    if track is None or track.state not in _STORED or own is None or own.link is None or own.link.is_over:
        return False
    return own.session is not None and track.link is not own.link


def _at_hand(owner: Record, name: str, item: object) -> Record:
    """The record that is meant, if it is here."""
    if isinstance(item, Reference):
        return item.record
    session = session_of(owner)
    return None if session is None else session.peek(_field(owner, name).target(), item)


def _same(item: object, other: object) -> bool:
    """Whether two items of a list lead to one record."""
    key = key_of_value(item)
    if key is None or key_of_value(other) is None:
        return isinstance(other, Reference) and isinstance(item, Reference) and item.record is other.record
    return bool(key == key_of_value(other))


def _point(owner: Record, record: Record, other: Any) -> None:
    """Let the record refer to the owner by the reference ``other``."""
    if not refers_to(other, record, owner):
        owned: Reference[Record] = Reference(other.target, record=owner)
        write_slot(other, record, owned if other.form is None else (*other.get(record), owned))


def _turn_away(owner: Record, record: Record, other: Any) -> bool:
    """Let the record refer to the owner by the reference ``other`` no more; returns whether it did."""
    if not refers_to(other, record, owner):
        return False
    left = None if other.form is None else tuple([item for item in other.get(record) if not leads_to(item, owner)])
    write_slot(other, record, left)
    return True


def _edit(owner: Record, name: str) -> BackEdit:
    """Return the edit of this other end, to be added to; the edit goes with the record where its session ends."""
    edits, place = _edits(owner), (id(owner), name)
    found = edits.get(place)
    if found is None:
        track = track_of(owner)
        found = edits[place] = BackEdit(owner, name, sessions=[None if track is None else track.link])
        gc_track(owner)
    return found


def _edits(owner: Record) -> dict[tuple[int, str], BackEdit]:
    """Return the edits of the record's session, or those kept with the record where no session holds it."""
    track = track_of(owner)
    edits = track.link.ends if track is not None and track.link is not None else getattr(track, "ends", None)
    if edits is None:
        edits = {}
        set_track(owner, InstanceState(None, state_of(owner), ends=edits))
    return edits


def _known(owner: Record, name: str) -> list[Record] | None:
    session = session_of(owner)
    return None if session is None else session.peek_back(owner, name)
