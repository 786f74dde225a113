"""Nested writes: a body may make, connect and disconnect the records at the other ends of references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from holdall.errors import FieldError, NotFound, ValidationError
from holdall.model import Field, Record
from holdall.policy import User
from holdall.query import Json
from holdall.session import Bindings, Session
from holdall.web.key import KeyText
from holdall.web.text_value import Unreadable
from holdall.web.view import CollectionView

__all__ = ["Nesting", "may_nest"]

_ACTS = ("create", "connect", "disconnect")
_SIGNS = tuple(f'"{act}"'.encode() for act in _ACTS)
_DEEPEST = 4


def may_nest(body: bytes) -> bool:
    """Whether a body may have nested writes; nearly all are told apart by one look.

    >>> may_nest(b'{"title": "Emma", "author": {"create": {"name": "Jane Austen"}}}'), may_nest(b'{"title": "Emma"}')
    (True, False)
    """
    return any(sign in body for sign in _SIGNS)


class Nesting:
    """Writes records of one collection with what refers to them, and what they refer to. Example: :func:`asgi`."""

    def __init__(self, view: CollectionView, bindings: Bindings, most: int) -> None:
        self._view = view
        self._bindings = bindings
        self._most = most
        self._views: dict[str, CollectionView] = {view.binding.collection: view}

    async def create(self, session: Session, body: bytes) -> Record | None:
        """A new record of the session; None where the body has no nested writes. Raises ValidationError."""
        members = _members(body)
        if members is None or not _acts_in(self._view, members, session.user):
            return None
        return await self._made(session, self._view, members, "", _Count(self._most))

    async def update(self, session: Session, record: Record, members: Mapping[str, Json]) -> dict[str, Json] | None:
        """Carry out the nested writes of a patch on a record; the rest of it, or None where there are none.

        Raises ValidationError.
        """
        acts = _acts_in(self._view, members, session.user)
        if not acts:
            return None
        count = _Count(self._most)
        for name, given in acts.items():
            field = self._view.declaration.by_name[name]
            if field.is_stored:
                value = await self._value(session, self._view, field, given, name, count, record)
                self._view.update(record, {name: value})
            else:
                await self._other_end(session, record, field, given, name, count)
        return {name: value for name, value in members.items() if name not in acts}

    async def _made(
        self, session: Session, view: CollectionView, members: Mapping[str, Any], path: str, count: _Count
    ) -> Record:
        """A new record of a session, with what is nested in it."""
        count.take(view, path)
        acts = _acts_in(view, members, session.user)
        values = {name: value for name, value in members.items() if name not in acts}
        for name, given in acts.items():
            field = view.declaration.by_name[name]
            if field.is_stored:
                values[name] = await self._value(session, view, field, given, f"{path}{name}", count, None)
        try:
            taken = view.input_of(session.user, is_new=True)
            plain = taken.create_from(values) if not _has_records(values) else taken.create_from_values(values)
            record = view.admit(session, plain)
        except ValidationError as error:
            raise _placed(error, path) from None
        for name, given in acts.items():
            field = view.declaration.by_name[name]
            if not field.is_stored:
                await self._other_end(session, record, field, given, f"{path}{name}", count)
        return record

    async def _value(
        self,
        session: Session,
        view: CollectionView,
        field: Field,
        given: dict[str, Json],
        path: str,
        count: _Count,
        record: Record | None,
    ) -> Any:
        """The value of a reference, or list of them, that its record keeps itself."""
        target = self._target(field)
        if field.form is None:
            _demand_one(view, given, path)
            if "create" in given:
                return await self._created(session, target, given["create"], f"{path}.create", count)
            if "connect" in given:
                return await self._connected(session, target, given["connect"], f"{path}.connect")
            return None
        kept = [] if record is None else list(getattr(record, field.name).keys)
        gone = [
            (await self._connected(session, target, key, f"{path}.disconnect.{place}")).__key__()
            for place, key in enumerate(_listed(view, given, "disconnect", path))
        ]
        found = [await self._connected(session, target, _shown(key), path) for key in kept if key not in gone]
        for place, key in enumerate(_listed(view, given, "connect", path)):
            other = await self._connected(session, target, key, f"{path}.connect.{place}")
            found += [] if other in found else [other]
        for place, body in enumerate(_listed(view, given, "create", path)):
            found.append(await self._created(session, target, body, f"{path}.create.{place}", count))
        return found

    async def _other_end(
        self, session: Session, record: Record, field: Field, given: dict[str, Json], path: str, count: _Count
    ) -> None:
        """Write the records that refer to one: they keep the reference."""
        target, back = self._target(field), field.options.back
        assert back is not None
        refers = target.declaration.by_name.get(back)
        if refers is None:
            raise _refused(target, path, "nested", "is the other end of references inside values: write those")
        view = self._view_of(record)
        for place, key in enumerate(_listed(view, given, "disconnect", path)):
            other = await self._connected(session, target, key, f"{path}.disconnect.{place}")
            if refers.form is not None:
                getattr(other, back).remove(record)
            elif getattr(other, back) and getattr(other, back).key == record.__key__():
                target.update(other, {back: None})
            else:
                raise _refused(target, f"{path}.disconnect.{place}", "reference", "does not refer to this record")
        for place, key in enumerate(_listed(view, given, "connect", path)):
            other = await self._connected(session, target, key, f"{path}.connect.{place}")
            if refers.form is not None:
                getattr(other, back).add(record)
            else:
                target.update(other, {back: record})
        for place, body in enumerate(_listed(view, given, "create", path)):
            at = f"{path}.create.{place}"
            members = _object(target, body, at)
            if back in members:
                raise _refused(target, f"{at}.{back}", "repeated", "is the record around it, and cannot be given")
            value: Any = [record] if refers.form is not None else record
            await self._made(session, target, {**members, back: value}, f"{at}.", count)

    async def _created(self, session: Session, target: CollectionView, body: Json, path: str, count: _Count) -> Record:
        return await self._made(session, target, _object(target, body, path), f"{path}.", count)

    async def _connected(self, session: Session, target: CollectionView, key: Json, path: str) -> Any:
        """The record with a key, written as in a body. Raises ValidationError where there is none for the user."""
        parts = key if isinstance(key, list) else [key]
        try:
            found = KeyText(target.binding.schema).read(",".join(_segment(part) for part in parts))
            return await target.get_one(session, found)
        except (NotFound, Unreadable):
            raise _refused(target, path, "reference", "leads to no record") from None

    def _target(self, field: Field) -> CollectionView:
        assert field.target is not None
        return self._of(field.target())

    def _view_of(self, record: Record) -> CollectionView:
        return self._of(type(record))

    def _of(self, model: Any) -> CollectionView:
        binding = self._bindings.of_model(model)
        return self._views.setdefault(binding.collection, CollectionView(binding))


class _Count:
    """How many records one body has made."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._most = most

    def take(self, view: CollectionView, path: str) -> None:
        """Count one more. Raises ValidationError for one too many, or too deep."""
        self._left -= 1
        if self._left < 0:
            raise _refused(view, path.rstrip("."), "limit", f"makes more than {self._most} records")
        if path.count(".create") > _DEEPEST:
            raise _refused(view, path.rstrip("."), "depth", f"is nested deeper than {_DEEPEST} records")


def _members(body: bytes) -> dict[str, Json] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _acts_in(view: CollectionView, members: Mapping[str, Any], user: User) -> dict[str, dict[str, Json]]:
    """The nested writes among members: objects in the place of references. The user writes no other end that he may not
    read.
    """
    found: dict[str, dict[str, Json]] = {}
    for name, value in members.items():
        field = view.declaration.by_name.get(name)
        if isinstance(value, dict) and field is not None and field.target is not None:
            if not field.is_stored and name in view.hidden(user):
                raise _refused(view, name, "unknown", "is not a field")
            errors = [
                FieldError(f"{name}.{act}", "one_of", f"must be one of {', '.join(_ACTS)}")
                for act in value
                if act not in _ACTS
            ]
            if errors or not value:
                wrong = errors or [FieldError(name, "type", "must be a key, or an object that says what to do")]
                raise ValidationError(view.declaration.model.__name__, wrong)
            found[name] = value
    return found


def _has_records(values: Mapping[str, Any]) -> bool:
    return any(not isinstance(each, str | int | float | bool | dict | None) for each in values.values())


def _demand_one(view: CollectionView, given: dict[str, Json], path: str) -> None:
    if len(given) != 1 or ("disconnect" in given and given["disconnect"] is not True):
        message = "must have one of create, connect, or disconnect, which is true"
        raise _refused(view, path, "type", message)


def _listed(view: CollectionView, given: dict[str, Json], act: str, path: str) -> list[Json]:
    found = given.get(act, [])
    if not isinstance(found, list):
        raise _refused(view, f"{path}.{act}", "type", "must be a list")
    return found


def _object(view: CollectionView, body: Json, path: str) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise _refused(view, path, "type", "must be a JSON object")
    return body


def _segment(part: Json) -> str:
    """A part of a key as a path has it. Raises Unreadable for what is none."""
    if isinstance(part, str):
        return quote(part, safe="")
    if isinstance(part, int) and not isinstance(part, bool):
        return str(part)
    raise Unreadable("must be a key")


def _shown(key: Any) -> Json:
    """A key as a body has it."""
    found: Json = msgspec.to_builtins(key)
    return found


def _refused(view: CollectionView, path: str, code: str, message: str) -> ValidationError:
    return ValidationError(view.declaration.model.__name__, [FieldError(path, code, message)])


def _placed(error: ValidationError, path: str) -> ValidationError:
    errors = [FieldError(f"{path}{each.path}".rstrip("."), each.code, each.message) for each in error.errors]
    return ValidationError(error.model, errors)
