"""Writing to a record: one generated function for each field checks, tracks and stores a value.

A write that is refused, by a rule or by the session, leaves the record as it was. The generated source holds only
names of fields and constants; values never enter it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import msgspec

from holdall.codegen import function
from holdall.errors import FieldError, FieldErrors, FrozenError, ValidationError
from holdall.model.construct import set_value
from holdall.model.declaration import Declaration
from holdall.model.field import Field
from holdall.model.inverse_edits import rewrite
from holdall.model.json_value import UNENCODABLE
from holdall.model.reference import Reference
from holdall.model.state import Frozen, State
from holdall.model.tracking import InstanceState, Record, SessionLink, gc_track, set_track, track_of
from holdall.query import Value

__all__ = ["assign", "setattr_of", "writers"]

Writer = Callable[[Record, Value], None]

_FROZEN_IN = {
    State.NEW: Frozen.CREATE,
    State.CLEAN: Frozen.UPDATE,
    State.DIRTY: Frozen.UPDATE,
    State.DELETED: Frozen.UPDATE,
}


def writers(declaration: Declaration) -> dict[str, Writer]:
    """A writer for each stored field, by name."""
    found = {}
    for field in declaration.stored:
        field.write = found[field.name] = _writer(field)
        if field.options.back is not None:
            found[field.name] = _end_writer(field)
    return found


def _end_writer(field: Field) -> Writer:
    """Write the other end of a reference that is stored here too: the references themselves change with it."""

    def write(record: Record, value: object) -> None:
        field.write(record, value)
        slot = field.get(record)
        rewrite(record, field.name, slot if field.form is not None else () if slot is None else (slot,))

    return write


def setattr_of(writers: dict[str, Writer]) -> Callable[[Any, str, Any], None]:
    """The ``__setattr__`` of a model with these writers."""

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: N807 - it becomes the method of this name
        try:
            write = writers[name]
        except KeyError:
            _set_other(self, name, value)
            return
        write(self, value)

    return __setattr__


def assign(record: Record, values: dict[str, Value]) -> None:
    """Write several fields, all or none; raises ValidationError with everything that is refused.

    A frozen field is refused with code ``frozen``, a name that is no field with ``unknown``.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int = field(ge=0)
    >>> book = Book(id=1, pages=10)
    >>> assign(book, {"id": 2, "pages": -1})
    Traceback (most recent call last):
    holdall.errors.ValidationError: Book is not valid: pages: must be at least 0
    >>> book.id
    1
    """
    errors: list[FieldError] = []
    written: list[tuple[Field, Any]] = []
    by_name = record.__holdall__.by_name
    for name, value in values.items():
        field = by_name.get(name)
        if field is None or not field.is_stored:
            errors.append(FieldError(name, "unknown", "is not a field that can be written"))
            continue
        before = field.get(record)
        try:
            setattr(record, name, value)
            written.append((field, before))
        except ValidationError as error:
            errors.extend(error.errors)
        except FrozenError:
            errors.append(FieldError(name, "frozen", "is frozen and must stay as it is"))
    if errors:
        for field, before in reversed(written):
            track = track_of(record)
            if track is not None:
                _record_change(record, field, before, track)
            field.put(record, before)
        raise ValidationError(type(record).__name__, errors)


def _writer(field: Field) -> Writer:
    names: dict[str, object] = {
        "__UTC": UTC,
        "field": field,
        "name": field.name,
        "get": field.get,
        "set_track": set_track,
        "InstanceState": InstanceState,
        "SessionLink": SessionLink,
        "DIRTY": State.DIRTY,
        "put": field.put,
        "refuse_frozen": _refuse_frozen,
        "validated": _validated,
        "record_change": _record_change,
        "put_relation": _put_relation,
    }
    source = field.fast_source("value", names)
    is_scalar = field.type is not None and field.type.fast is not None
    lines = [
        '    track = getattr(record, "_track", None)',
        *(["    if track is not None: refuse_frozen(record, field, track)"] if field.frozen else []),
        f"    if not ({source}): value = validated(record, field, value)"
        if source is not None
        else "    value = validated(record, field, value)",
        *(_TRACK_SCALAR if is_scalar else _TRACK),
        "    put_relation(record, field, value)" if field.is_relation else "    put(record, value)",
    ]
    writer: Writer = function("write", "record, value", lines, names, f"{field.model}.{field.name}, written")
    return writer


_TRACK = ("    if track is not None: record_change(record, field, value, track)",)

_TRACK_SCALAR = (
    # what record_change does, for the common cases: the first write to a clean record, and writes to a changed one
    "    if track is not None:",
    "        old = track.old",
    "        link = track if old is None else track.link",
    "        if link.__class__ is not SessionLink or link.edited is not None or link.trusted is not None:",
    "            record_change(record, field, value, track)",
    "        elif old is None or name not in old:",
    "            current = get(record)",
    "            if current.__class__ is not value.__class__ or current != value:",
    "                if old is None:",
    "                    link.touch(record)",
    "                    set_track(record, InstanceState(link, DIRTY, {name: current}))",
    "                else:",
    "                    old[name] = current",
    "        elif old[name] == value:",
    "            record_change(record, field, value, track)",
)


def _put_relation(record: Record, field: Field, value: Value) -> None:
    field.put(record, value)
    if value.__class__ is Reference or (field.form is not None and any(item.__class__ is Reference for item in value)):
        gc_track(record)


def _set_other(record: Record, name: str, value: object) -> None:
    """An attribute that is no field: a property of the model, or a mistake."""
    if any(name in base.__dict__ for base in type(record).__mro__):
        object.__setattr__(record, name, value)
        return
    raise AttributeError(f"{type(record).__name__} has no field {name!r}")


def _refuse_frozen(record: Record, field: Field, track: SessionLink | InstanceState) -> None:
    link = track.link
    if link is None or (link.trusted is not None and link.trusted.is_acting()):
        return
    if field.frozen & _FROZEN_IN.get(track.state, Frozen.NEVER):
        raise FrozenError(type(record).__name__, field.name, track.state.value)


def _validated(record: Record, field: Field, value: object) -> Value:
    errors = FieldErrors(type(record).__name__)
    if field.options.setter is None:
        value = field.validate(value, errors)
    else:
        value = field.validate_type(value, errors)
        if not errors:
            value = set_value(record, field, value, errors)
    if errors:
        raise ValidationError(type(record).__name__, errors)
    return value


def _record_change(record: Record, field: Field, value: object, track: SessionLink | InstanceState) -> None:
    """Keep the first old value of the field, or forget it when it is set back."""
    link = track.link
    if link is None:
        return
    if link.trusted is not None and link.trusted.is_acting():
        link.trusted.wrote(record, field, value)
        return
    if link.edited is not None:
        link.edited[id(record)] = record
    name, old, current = field.name, track.old, field.get(record)
    if track.state is State.NEW:
        return
    if isinstance(track, SessionLink):
        if not _same(field, current, value):
            track.touch(record)
            set_track(record, InstanceState(track, State.DIRTY, {name: current}))
    elif old is None:
        if not _same(field, current, value):
            track.old = {name: current}
    elif name not in old:
        if not _same(field, current, value):
            old[name] = current
            gc_track(track)
    elif _same(field, old[name], value):
        del old[name]
        if not old:
            _mark_clean(record, track, link)


def _mark_clean(record: Record, track: InstanceState, link: SessionLink) -> None:
    """No field differs from its first old value any more."""
    track.old = None
    if track.state is State.DIRTY:
        set_track(record, link)
        session = link.session
        if session is not None:
            session.became_clean(record)


def _same(field: Field, left: object, right: object) -> bool:
    if field.is_relation:
        return _same_relation(field, left, right)
    assert field.type is not None
    if field.type.own is not None:
        return left is right or _is_kept_alike(field, left, right)
    if field.type.is_mutable:
        return left is not right and _is_same_json(left, right)
    return left is right or (type(left) is type(right) and bool(left == right))


def _is_kept_alike(field: Field, left: object, right: object) -> bool:
    try:
        return msgspec.msgpack.encode(field.encode(left)) == msgspec.msgpack.encode(field.encode(right))
    except UNENCODABLE:
        return False


def _is_same_json(left: object, right: object) -> bool:
    try:
        return msgspec.json.encode(left) == msgspec.json.encode(right)
    except UNENCODABLE:  # one was changed in place to what is no JSON
        return False


def _same_relation(field: Field, left: Value, right: Value) -> bool:
    if field.form is None:
        return _same_reference(left, right)
    if left.__class__ is not tuple or right.__class__ is not tuple:  # it could not be read
        return left is right
    return len(left) == len(right) and all(map(_same_reference, left, right))


def _same_reference(left: object, right: object) -> bool:
    if not isinstance(left, Reference):
        left, right = right, left
    if isinstance(left, Reference):
        return bool(left == right) if right is not None else not left
    return bool(left == right)
