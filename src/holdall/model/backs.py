"""The other end of a reference where nothing is stored for it: asked of the references, and written through them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from holdall.errors import FieldError, NotLoaded, StateError, ValidationError
from holdall.model.gateway import gateway_of
from holdall.model.reference import Reference, keeper_of, key_of_value
from holdall.model.target import Target

__all__ = ["BackEdit", "OneBack", "link", "load_back", "rewrite", "unlink"]


class BackEdit(msgspec.Struct, eq=False):
    """What was asked of the other end and can only be done with records that are not loaded: left for the commit.

    ``kept`` are the records and keys that were assigned, None where nothing was assigned. ``added`` and ``removed``
    are keys.
    """

    owner: Any
    name: str
    kept: list[Any] | None = None
    added: dict[Any, None] = msgspec.field(default_factory=dict)
    removed: dict[Any, None] = msgspec.field(default_factory=dict)


class OneBack(Reference[Any]):
    """The handle on the one record that refers here, or on none."""

    __slots__ = ("_name",)

    def __init__(self, target: Target | None, owner: Any, name: str) -> None:
        super().__init__(target, None, None, owner)
        self._name = name

    def _known(self) -> list[Any] | None:
        keeper = keeper_of(self._owner)
        return None if keeper is None else keeper.peek_back(self._owner, self._name)

    @property
    def key(self) -> Any:
        """The key of that record, or None; raises NotLoaded."""
        record = self._demanded()
        return None if record is None else record.__key__()

    @property
    def record(self) -> Any:
        """The record, if it is at hand without loading."""
        found = self._known()
        return found[0] if found else None

    @property
    def loaded(self) -> bool:
        """Whether it is known which record it is, or that there is none."""
        return self._known() is not None

    def _demanded(self) -> Any:
        if self._known() is None:
            raise NotLoaded(type(self._owner).__name__, self._name, is_end=True)
        return self.record

    async def _load(self) -> Any:
        found = await load_back(self._owner, self._name)
        return found[0] if found else None

    def __bool__(self) -> bool:
        return self._demanded() is not None

    def __eq__(self, other: object) -> bool:
        record = self._demanded()
        if record is None or other is None:
            return record is None and other is None
        return bool(Reference(self._target, None, record) == other)

    __hash__ = Reference.__hash__

    def __repr__(self) -> str:
        return f"Reference({self._target_name()}, {self.key!r})" if self.loaded else f"Reference({self._name})"


async def load_back(owner: Any, name: str) -> list[Any]:
    """The records that refer to the owner, by its session; if that is gone, by the active one or one for this act."""
    keeper = keeper_of(owner)
    if keeper is not None:
        return await keeper.load_back(owner, name)  # type: ignore[no-any-return]
    async with gateway_of(type(owner)) as act:
        return await act.session.load_back(owner, name)


def rewrite(owner: Any, name: str, values: Iterable[Any]) -> None:
    """Let just these refer to the owner by the reference that ``name`` is the other end of."""
    items = _admitted(owner, name, values)
    edit, known = _edit(owner, name), _known(owner, name)
    if edit is not None:
        field, keeper = _field(owner, name), keeper_of(owner)
        wanted = {id(record) for item in items if (record := _at_hand(owner, name, item)) is not None}
        for record in [*keeper.changed(field.target()), *(known or ())]:
            if id(record) not in wanted:
                _turn_away(owner, record, field.options.back)
    for item in items:
        _point(owner, name, item)
    if edit is not None:
        edit.kept, edit.removed = list(items), {}
        edit.added = dict.fromkeys(item for item in items if _at_hand(owner, name, item) is None)
        if known is not None:
            found = [_at_hand(owner, name, item) for item in items]
            keeper_of(owner).keep_back(owner, name, None if None in found else found)


def link(owner: Any, name: str, value: Any) -> None:
    """Let this record, or the one with this key, refer to the owner too."""
    (item,) = _admitted(owner, name, (value,))
    field, record, edit = _field(owner, name), _point(owner, name, item), _edit(owner, name)
    if edit is not None:
        edit.removed.pop(key_of_value(item), None)
        if edit.kept is not None:
            edit.kept.append(item)
        if record is None:
            edit.added[item] = None
    known = _known(owner, name)
    if known is not None and record is not None and not any(record is one for one in known):
        known.append(record)
    if field.is_stored and not any(_same(item, one) for one in field.get(owner)):
        field.write(owner, (*field.get(owner), item))


def unlink(owner: Any, name: str, value: Any) -> None:
    """Let this record, or the one with this key, refer to the owner no more."""
    (item,) = _admitted(owner, name, (value,))
    field, key, record, edit = _field(owner, name), key_of_value(item), _at_hand(owner, name, item), _edit(owner, name)
    if record is not None:
        _turn_away(owner, record, field.options.back)
    elif edit is not None:
        edit.removed[key] = None
    if edit is not None:
        edit.added.pop(key, None)
        if edit.kept is not None:
            edit.kept = [one for one in edit.kept if not _same(item, one)]
    known = _known(owner, name)
    if known is not None:
        known[:] = [one for one in known if one is not record]
    if field.is_stored:
        field.write(owner, [one for one in field.get(owner) if not _same(item, one)])


def _field(owner: Any, name: str) -> Any:
    return type(owner).__holdall__.by_name[name]


def _admitted(owner: Any, name: str, values: Any) -> tuple[Any, ...]:
    """Keys, and References that have their records."""
    field, errors = _field(owner, name), list[FieldError]()
    items: tuple[Any, ...] = field.admit_items(values, errors)
    if errors:
        raise ValidationError(type(owner).__name__, errors)
    return items


def _at_hand(owner: Any, name: str, item: Any) -> Any:
    """The record that is meant, if it is here."""
    keeper = keeper_of(owner)
    if isinstance(item, Reference):
        return item.record
    return None if keeper is None else keeper.peek(_field(owner, name).target(), item)


def _same(item: Any, other: Any) -> bool:
    """Whether two items of a list lead to one record."""
    key = key_of_value(item)
    if key is None or key_of_value(other) is None:
        return isinstance(other, Reference) and isinstance(item, Reference) and item.record is other.record
    return bool(key == key_of_value(other))


def _point(owner: Any, name: str, item: Any) -> Any:
    """Let the record refer to the owner if it is at hand; None where it is not."""
    record = _at_hand(owner, name, item)
    if record is None:
        if keeper_of(owner) is None:
            raise StateError(f"{type(owner).__name__}.{name} takes records, not keys, until its record is in a session")
        return None
    other = type(record).__holdall__.by_name[_field(owner, name).options.back]
    value = other.get(record)
    if other.form is None:
        if value is None or not _is(value, owner):
            setattr(record, other.name, owner)
    elif not any(_is(one, owner) for one in value):
        setattr(record, other.name, (*value, owner))
    return record


def _turn_away(owner: Any, record: Any, back: str) -> None:
    other = type(record).__holdall__.by_name[back]
    value = other.get(record)
    if other.form is not None:
        setattr(record, back, tuple([item for item in value if not _is(item, owner)]))
    elif value is not None and _is(value, owner):
        setattr(record, back, None)


def _is(item: Any, owner: Any) -> bool:
    """Whether what a slot holds leads to the record."""
    if item.__class__ is Reference and item._record is not None:
        return item._record is owner
    key = key_of_value(item)
    return key is not None and bool(key == owner.__key__())


def _edit(owner: Any, name: str) -> BackEdit | None:
    keeper = keeper_of(owner)
    return None if keeper is None else keeper.edit_back(owner, name)


def _known(owner: Any, name: str) -> list[Any] | None:
    keeper = keeper_of(owner)
    return None if keeper is None else keeper.peek_back(owner, name)
