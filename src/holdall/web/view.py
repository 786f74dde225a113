"""A collection's view without HTTP: handlers that authorize and bracket a request, and the verbs they carry out.

``handle_<verb>`` sees that the user may and that a write is committed; ``<verb>`` only finds, makes or changes records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from itertools import starmap
from typing import Any

import msgspec

from holdall.errors import CorruptRecord, FieldError, FrozenError, HoldallError, NotFound, NotLoaded, ValidationError
from holdall.model import Field, JsonInput, Record, Reference, hidden_ends
from holdall.policy import Right, User
from holdall.query import ALWAYS, And, AnyQuery, Compare, Condition, Json, Key, Kind, Op, Query, Value, both
from holdall.session import Binding, Estimate, Readable, Session, damaged_fields, read_only_fields
from holdall.web.key import KeyText

__all__ = ["CollectionView"]

_encode_rows = msgspec.json.Encoder().encode

_OF_SEVERAL_FORMS = (Kind.DECIMAL, Kind.JSON)

_MAX_LOADS = 4  # how many references away from a record its computed values may look


class CollectionView:
    """Finds, makes, changes and removes the records of one collection in a session it is given."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.declaration = binding.declaration
        self._output = output = binding.declaration.json_output
        self.is_computing = output.is_computing  # whether records have values that are not stored
        self.encode_one = output.encode_one  # as ``shown_one``, for those that have none
        self._input = binding.declaration.json_input
        self._inputs: dict[tuple[frozenset[str], frozenset[str]], JsonInput] = {}  # by what users may not give
        self._key = binding.schema.key
        self._keys = KeyText(binding.schema)
        self._loads_references = bool(binding.declaration.relations)
        self.may_be_kept_otherwise = any(field.kind in _OF_SEVERAL_FORMS for field in binding.declaration.stored)

    # --- handlers -----------------------------------------------------------------------------------------------------

    def handle_get_many(self, session: Session, query: AnyQuery) -> Awaitable[list[Record]]:
        """The records of a query, or rows of its projection."""
        return self.get_many(session, query)

    async def handle_get_readable(self, session: Session, query: AnyQuery) -> Readable[Any]:
        """The records of a query that can be read, and an error for each of the others."""
        return await session.readable(query)

    def handle_count(self, session: Session, query: AnyQuery) -> Awaitable[int]:
        """How many records meet a query's condition."""
        return session.context.reader.count(query)

    def handle_estimate(self, session: Session, query: AnyQuery) -> Awaitable[Estimate]:
        """About how many records meet a query's condition."""
        return session.estimate(query)

    def handle_get_one(self, session: Session, key: Key) -> Awaitable[Record]:
        """The record with this key; raises NotFound."""
        return self.get_one(session, key)

    async def handle_get_damaged(self, session: Session, key: Key) -> Record:
        """The record with this key, readable or not; raises NotFound."""
        return await session.mend(self.declaration.model, *(key if len(self._key) > 1 else (key,)))

    async def handle_create(self, session: Session, body: bytes) -> Record:
        """A new record, committed."""
        self._demand(session, Right.CREATE)
        record = self.create(session, body)
        await session.commit()
        return record

    async def handle_admit(self, session: Session, record: Record) -> None:
        """Add a new record, and commit it."""
        self._demand(session, Right.CREATE)
        self.admit(session, record)
        await session.commit()

    async def handle_update(self, session: Session, record: Record, values: dict[str, Value]) -> Record:
        """A record of the session with new values, committed."""
        self._demand(session, Right.UPDATE)
        self.update(record, values)
        await session.commit()
        return record

    async def handle_delete(self, session: Session, record: Record) -> None:
        """A record of the session removed, committed."""
        self._demand(session, Right.DELETE)
        self.delete(session, record)
        await session.commit()

    def _demand(self, session: Session, right: Right) -> None:
        self.binding.policy.demand(right, session.user, self.binding.collection)

    # --- verbs --------------------------------------------------------------------------------------------------------

    def get_many(self, session: Session, query: AnyQuery) -> Awaitable[list[Record]]:
        """The records of a query, or rows of its projection."""
        return session.context.reader.query(query)

    async def get_one(self, session: Session, key: Key, wanted: Condition = ALWAYS) -> Record:
        """The record with this key, if it is wanted; raises NotFound."""
        condition = self.meets(key) if wanted is ALWAYS else both(self.meets(key), wanted)
        found = await session.context.reader.query(Query(self.binding.collection, condition))
        if not found:
            raise NotFound(self.binding.collection, key)
        return found[0]

    def create(self, session: Session, body: bytes) -> Record:
        """A new record of the session, from JSON. Raises ValidationError, also for a key that no path can name."""
        return self.admit(session, self.made(session.user, body))

    def made(self, user: User, body: bytes) -> Record:
        """A record of no session, from the JSON that a user gives for a new one. Raises ValidationError."""
        given = self.input_of(user, is_new=True)
        return given.create(body, self.binding.policy.presets(user) if given is not self._input else {})

    def nested_in(self, patch: dict[str, Json] | None, user: User) -> list[str]:
        """The names in a merge patch of objects that are merged into those which the user sees in a record."""
        names = self.input_of(user, is_new=False).names
        found = [name for name, value in (patch or {}).items() if isinstance(value, dict) and name in names]
        return [name for name in found if name not in self.hidden(user)] if found else found

    def input_of(self, user: User, *, is_new: bool) -> JsonInput:
        """The reader of JSON for records that the user makes or changes, which refuses fields that he may not give."""
        if user.unrestricted or not self.binding.policy.has_fields:
            return self._input
        refused = read_only_fields(self.binding, user, is_new=is_new)
        hidden = frozenset(name for name, error in refused.items() if error.code == "unknown")
        place = hidden, frozenset(refused)
        found = self._inputs.get(place)
        if found is None:
            found = self._inputs[place] = self._input.without(hidden, refused)
        return found

    def admit(self, session: Session, record: Record) -> Record:
        """Add a new record to the session. Raises ValidationError for a key that no path can name."""
        self._keys.demand_addressable(record)
        return session.add(record)

    def update(self, record: Record, values: dict[str, Value]) -> None:
        """Give a record new values; raises ValidationError with everything that is refused."""
        errors: list[FieldError] = []
        key_fields = {field.name for field in self.declaration.key}
        for name, value in values.items():
            if name in key_fields:
                if value != getattr(record, name):
                    errors.append(FieldError(name, "frozen", "is part of the key and cannot be changed"))
                continue
            try:
                setattr(record, name, value)
            except FrozenError:
                errors.append(FieldError(name, "frozen", "cannot be changed"))
            except ValidationError as error:
                errors.extend(error.errors)
        for name in damaged_fields(record):
            errors.append(FieldError(name, "unreadable", "cannot be read as it is stored; give it a value"))
        if errors:
            raise ValidationError(self.declaration.model.__name__, errors)

    def delete(self, session: Session, record: Record) -> None:
        """Remove a record of the session."""
        session.remove(record)

    # --- shown --------------------------------------------------------------------------------------------------------

    @cached_property
    def hides(self) -> bool:
        return self.binding.may_hide

    def hidden(self, user: User) -> frozenset[str]:
        """The fields that the user may not read, and lists that would tell which records refer to one."""
        return self.binding.hidden(user)

    def visible(self, user: User, names: Collection[str] | None) -> Collection[str] | None:
        """Return those of these fields and computed values that the user may see; None stands for all."""
        if not self.hides or not (hidden := self.hidden(user)):
            return names
        return [name for name in (self._output.names if names is None else names) if name not in hidden]

    async def shown(
        self, records: Sequence[Record], names: Collection[str] | None = None, shape: Callable[..., Any] | None = None
    ) -> bytes:
        """The records as a JSON array; references that computed values look into are loaded as they are needed.

        A computed value that cannot be made is null, and logged: what it looks into is gone, or is not for this user.
        With ``shape`` they are rows, and this makes of each what is to be shown.
        """
        if shape is not None:
            return _encode_rows(list(starmap(shape, records)))
        if not self._output.is_computing:
            return self._output.encode(records, names)
        loaded: Sequence[Any] = records
        for _ in range(_MAX_LOADS):
            try:
                return self._output.encode(records, names)
            except NotLoaded:
                if not self._loads_references:
                    break
                loaded = await _load_references(loaded)
            except Exception:
                break
        return self._output.encode_what_can_be(records, names)

    async def shown_one(self, record: Record, names: Collection[str] | None = None) -> bytes:
        """One record as a JSON object."""
        return (await self.shown([record], names))[1:-1] if self.is_computing else self.encode_one(record, names)

    async def shown_stored(self, session: Session, record: Record) -> bytes:
        """One record that was just committed, as the next answer will show it.

        Where its store may keep a value in a form of its own, such as 42.00 for 42, it is read again; if that fails, it
        is shown as it was sent, because it was written.
        """
        if self.may_be_kept_otherwise:
            with suppress(HoldallError):
                await session.refresh(record)
        return await self.shown_one(record, self.visible(session.user, None))

    def shown_broken(self, errors: Sequence[CorruptRecord], user: User) -> bytes:
        """Records that cannot be read as a JSON array: the key of each, and the fields in question that the user may
        see.
        """
        hidden = self.hidden(user)
        return _encode_rows(
            [
                {
                    "key": None if error.key is None else self._keys.write(error.key),
                    "errors": [
                        {"path": name, "code": "unreadable", "message": "cannot be read as it is stored"}
                        for name in dict.fromkeys("" if name in hidden else name for name in error.fields)
                    ],
                }
                for error in errors
            ]
        )

    def without_hidden(self, errors: Sequence[FieldError], user: User) -> list[FieldError]:
        """The mistakes in a stored record, without the names of lists that the user may not see."""
        hidden = self.hidden(user)
        secret = [error for error in errors if error.path in hidden and error.code == "unreadable"]
        if not secret:
            return list(errors)
        rest = [error for error in errors if error not in secret]
        return [*rest, FieldError("", secret[0].code, secret[0].message)]

    @cached_property
    def stamp(self) -> Field | None:
        """The field that has the moment of each write."""
        stamps = self.declaration.stamps
        found = [each for each in stamps if each.options.auto_now == "write" and each.kind is Kind.DATETIME]
        return found[0] if found else None

    def modified(self, record: Record, user: User) -> datetime | None:
        """When a record was last written, to the second, if it has that and the user may read it."""
        if (stamp := self.stamp) is None or stamp.name in self.hidden(user):
            return None
        moment = stamp.get(record)
        return moment.replace(microsecond=0) if isinstance(moment, datetime) else None

    def members_of(self, key: Key) -> dict[str, Json]:
        """The parts of a key by the names of their fields, as JSON has them."""
        parts = (key,) if len(self._key) == 1 else key
        return {name: msgspec.to_builtins(part) for name, part in zip(self._key, parts, strict=True)}

    def meets(self, key: Key) -> Condition:
        """The condition that only the record with this key meets."""
        if len(self._key) == 1:
            return Compare((self._key[0],), Op.EQ, key)
        return And(tuple(Compare((name,), Op.EQ, part) for name, part in zip(self._key, key, strict=True)))


async def _load_references(records: Sequence[Record]) -> list[Record]:
    """The records these refer to, loaded into their session; gets of one tick go out as one fetch."""
    references = [
        reference
        for record in records
        for field in type(record).__holdall__.relations
        if field.is_stored and field.name not in hidden_ends(record)
        for reference in _references(getattr(record, field.name), field.form is not None)
    ]
    found = await asyncio.gather(*references, return_exceptions=True)
    return [record for record in found if record is not None and not isinstance(record, BaseException)]


def _references(value: Value, is_many: bool) -> list[Reference[Any]]:
    return [reference for reference in (value if is_many else (value,)) if reference]
