"""Records together with their files, as ``multipart/form-data``: one part of JSON, and a part for each file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.files import File
from holdall.model import Field, Record, has_repeated_names
from holdall.policy import Right, User
from holdall.query import Json, Key, Value
from holdall.session import Bindings, Session
from holdall.session.file_fields import holds_several, rule_of
from holdall.web.asgi import Receive, Scope, header
from holdall.web.attachments.incoming import demand_size, incoming
from holdall.web.attachments.multipart import parts_of
from holdall.web.body import demand_few_values
from holdall.web.conditional import demand_a_new_record
from holdall.web.intake import Intake
from holdall.web.merge import merged_values
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.view import CollectionView

__all__ = ["FORM", "MOST_LISTED", "Forms"]

FORM = b"multipart/form-data"
_JSON_PART = "_json"
MOST_LISTED = 20
"""The most files for one list that a form brings."""
_ROOM = 16_384  # bytes of heads and boundaries, beside the contents

R = TypeVar("R")


class Forms:
    """Takes forms that make or change one record.

    Example: ``docs/attachments.md``.
    """

    def __init__(self, view: CollectionView, intake: Intake, bindings: Bindings) -> None:
        self._view = view
        self._intake = intake
        self._files = {field.name: field for field in bindings.file_fields.get(view.declaration.model, ())}

    def takes(self, scope: Scope) -> bool:
        """Whether a request has a form, and the collection has files that may be in one."""
        value = header(scope, b"content-type")
        return bool(self._files) and value is not None and value.partition(b";")[0].strip().lower() == FORM

    async def create(self, scope: Scope, receive: Receive, user: User) -> tuple[Session, Record, Preferences]:
        """Make a record of a form; the right to do so is looked at before. Raises as a POST of JSON does."""
        demand_a_new_record(scope)
        self._intake.demand_no_parameters(scope)
        preferences = preferences_of(scope, b"return")
        session = self._intake.session(scope, user)

        async def made() -> Record:
            values, files = await self._read(scope, receive, session, is_new=True)
            given = self._view.input_of(user, is_new=True)
            presets = self._view.binding.policy.presets(user) if not user.unrestricted else {}
            data: dict[str, Value] = {**presets, **values, **files}
            record = self._view.admit(session, given.create_from_values(data))
            await session.commit()
            return record

        return session, await _tidily(session, made), preferences

    async def update(self, scope: Scope, receive: Receive, user: User, key: Key) -> tuple[Session, Record, Preferences]:
        """Change a record by a form: what its JSON says is merged into the record. Raises as a PATCH does."""
        self._intake.begin(scope, Right.UPDATE, user)
        preferences = preferences_of(scope, b"return")
        session = self._intake.session(scope, user)
        record = await self._intake.expected(scope, session, key)

        async def changed() -> Record:
            values, files = await self._read(scope, receive, session, is_new=False)
            nested = self._view.nested_in(values, user)
            found = merged_values(self._view.input_of(user, is_new=False), record, values, nested)
            for name, file in files.items():  # those of a list come to what it has
                found[name] = [*getattr(record, name), *file] if isinstance(file, list) else file
            await self._view.handle_update(session, record, found)
            return record

        return session, await _tidily(session, changed), preferences

    async def _read(
        self, scope: Scope, receive: Receive, session: Session, *, is_new: bool
    ) -> tuple[dict[str, Json], dict[str, File | list[File]]]:
        """The JSON of a form, and its files with their contents already kept."""
        accepted = set(self._view.input_of(session.user, is_new=is_new).names)
        most = self._intake.options.max_body
        limit = most + _ROOM + sum((rule_of(each).max_size + _ROOM) * _most_of(each) for each in self._files.values())
        demand_size(scope, limit)
        pieces = incoming(receive, limit, self._intake.options.body_seconds)
        content_type = header(scope, b"content-type") or b""
        values, files, has_json = dict[str, Json](), dict[str, File | list[File]](), False
        async for part in parts_of(content_type, pieces, sum(map(_most_of, self._files.values())) + 1):
            if part.name == _JSON_PART:
                if has_json:
                    raise self._refused(part.name, "repeated", "must not be given twice")
                values, has_json = self._json(await part.whole(most)), True
                continue
            field = self._files.get(part.name)
            if field is None or part.name not in accepted:
                raise self._refused(part.name, "unknown", f"is no file; other values stand in the part {_JSON_PART}")
            given = files.get(part.name)
            if given is not None and (not isinstance(given, list) or len(given) == MOST_LISTED):
                raise self._refused(part.name, "repeated", f"must not be given more than {_most_of(field)} times")
            file = rule_of(field).type(part.pieces(), name=part.filename)
            assert session.context.files is not None
            await session.context.files.stage(field, file)
            files[part.name] = [*(given or ()), file] if holds_several(field) else file
        both = sorted(values.keys() & files.keys())
        if both:
            raise self._refused(both[0], "repeated", "must not be given twice")
        return values, files

    def _json(self, body: bytes) -> dict[str, Json]:
        demand_few_values(body, self._intake.options.max_values)
        if has_repeated_names(body):
            raise Problem(400, "json", f"The part {_JSON_PART} gives a name twice in one object.")
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise Problem(400, "json", f"The part {_JSON_PART} is not JSON.") from None
        if not isinstance(found, dict):
            raise self._refused("", "type", "must be a JSON object")
        return found

    def _refused(self, path: str, code: str, message: str) -> ValidationError:
        return ValidationError(self._view.declaration.model.__name__, [FieldError(path, code, message)])


def _most_of(field: Field) -> int:
    """How many parts of a form bring files for a field."""
    return MOST_LISTED if holds_several(field) else 1


async def _tidily(session: Session, work: Callable[[], Awaitable[R]]) -> R:
    """Do the work; contents that were kept for a record that is not written go again."""
    try:
        return await work()
    finally:
        if session.context.files is not None:
            await session.context.files.discard()
