"""The part of an event that one who follows a collection may know: by the rules of its records and its fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import msgspec

from holdall.errors import HoldallError
from holdall.events.body import Body
from holdall.events.event import python_values
from holdall.events.json_values import shown_values, stored_values
from holdall.model import EventKind, Model
from holdall.model.json_output import encode_hook
from holdall.policy import Right, User, any_of
from holdall.query import ALWAYS, And, Asked, Compare, Condition, Key, Op, Query, Row, Value, paths_of
from holdall.session import Binding, Bindings, Session
from holdall.session.references.guarded_access import names_field
from holdall.session.references.locality import is_local
from holdall.session.references.row_predicate import row_predicate

__all__ = ["Sight"]

_encode = msgspec.json.Encoder(enc_hook=encode_hook).encode


class Sight:
    """The view that a user has of the events of a collection, with a filter of his own.

    A condition on the record alone is answered from the event itself, before and after. One that leads into other
    collections is asked of the store as it is now: the record is shown as it is now, and removals are not, as nobody
    can tell any more who might see the record then.
    """

    def __init__(
        self, binding: Binding, bindings: Bindings, user: User, condition: Condition, names: Collection[str] | None
    ) -> None:
        self._binding = binding
        self._bindings = bindings
        self._user = user
        self._condition = condition
        rule = binding.policy.bound(Right.READ, user)
        rules = [each for each in (rule, _undeleted(binding, user, condition)) if each != ALWAYS]
        self._whole: Condition = And((*rules, condition)) if rules else condition
        hidden = binding.hidden(user)
        secret = {field.name for field in binding.schema.fields if field.asked is Asked.NOTHING}
        known = [name for name in binding.all_fields if name not in hidden and name not in secret]
        self._fields = frozenset(binding.all_fields) - hidden
        self._shown = frozenset(name for name in known if names is None or name in names)
        query: Value = Query(binding.collection, self._whole)
        is_answered_here = is_local(query) and secret.isdisjoint(path[0] for path in paths_of(query))
        self._meets = row_predicate(self._whole, binding) if is_answered_here else None

    @property
    def group(self) -> object:
        """A value that is equal for all who see the same; None where that cannot be told."""
        mark = (self._binding.collection, self._whole, self._shown, self._fields)
        try:
            hash(mark)
        except TypeError:
            return None
        return mark if self._meets is not None else None

    async def of(self, body: Body, event: str, at: str, *, is_late: bool = False) -> tuple[str, bytes] | None:
        """The name and the JSON of an event as it may be shown, or None.

        An event that ``is_late`` is shown only while its record can be read.
        """
        names = [name for name in body.fields if name in self._fields]
        if self._meets is None:
            found = await self._found_now(body, has_visible_fields=bool(names))
            if found is None:
                return None
            kind, values = body.kind.value, stored_values(found)
        else:
            told = self._kind(self._meets, body, has_visible_fields=bool(names))
            if told is None:
                return None
            kind, values = told, python_values(self._binding, body.new)
        content: dict[str, Value] = {"id": event, "kind": kind, "key": body.key, "at": at}
        if kind in ("created", "changed", "entered"):
            if is_late and self._meets is not None and await self._read_now(body.key) is None:
                return None
            content["record"] = shown_values(self._binding.model, values, self._shown)
        if kind == "changed":
            content["fields"] = names
        return kind, _encode(content)

    async def _found_now(self, body: Body, *, has_visible_fields: bool) -> Model | None:
        """The record of an event that may be told, as it is now."""
        is_told = body.kind is EventKind.CREATED or (body.kind is EventKind.CHANGED and has_visible_fields)
        return await self._read_now(body.key) if is_told else None

    def _kind(self, meets: Callable[[Row], bool], body: Body, *, has_visible_fields: bool) -> str | None:
        after = None if body.kind is EventKind.DELETED else self._row(body.new, {})
        before = None if body.kind is EventKind.CREATED else self._row(body.new, body.old)
        was, is_ = before is not None and _holds(meets, before), after is not None and _holds(meets, after)
        if was and is_:
            return "changed" if has_visible_fields else None
        if is_:
            return "created" if body.kind is EventKind.CREATED else "entered"
        if was:
            return "deleted" if body.kind is EventKind.DELETED else "left"
        return None

    def _row(self, new: Mapping[str, Value], old: Mapping[str, Value]) -> Row:
        return tuple([old[name] if name in old else new.get(name) for name in self._binding.all_fields])

    async def _read_now(self, key: Key) -> Model | None:
        """The record, where it can be read now and meets the filter."""
        session = Session(self._bindings, self._user)
        binding = self._binding
        parts = key if isinstance(key, tuple) else (key,)
        own: Value = And(
            (*[_equal(name, part) for name, part in zip(binding.schema.key, parts, strict=True)], self._condition)
        )
        found: Model | None = await session.first(Query(binding.collection, own, model=binding.model))
        return found


def _holds(meets: Callable[[Row], bool], row: Row) -> bool:
    try:
        return meets(row)
    except HoldallError:
        return False


def _undeleted(binding: Binding, user: User, condition: Condition) -> Condition:
    """The rule of who sees deleted records: by a filter that names the field which tells, those who may delete them."""
    deletion = binding.declaration.deletion
    if deletion is None:
        return ALWAYS
    if not names_field(condition, deletion.name):
        return binding.living
    erasing = binding.policy.bound(Right.DELETE, user)
    return ALWAYS if erasing == ALWAYS else any_of([binding.living, erasing])


def _equal(name: str, value: Value) -> Condition:
    return Compare((name,), Op.EQ, value)
