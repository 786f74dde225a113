"""The writing half of a collection over HTTP: create, patch and delete, each guarded by If-Match where it is given."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import msgspec

from holdall.errors import CommitAborted, CorruptRecord, StaleVersion, Unsupported, ValidationError
from holdall.model import Record
from holdall.policy import Right, User
from holdall.query import Json, Key, Value
from holdall.session import Bindings, Session
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.body import JSON, MERGE_PATCH, demand_media_type, has_repeated_names, read_body
from holdall.web.conditional import NOT_MET, meets_if_match, meets_if_none_match, tag_of_body
from holdall.web.key import KeyText
from holdall.web.merge import merged
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply
from holdall.web.rights import demand_removal, demand_right
from holdall.web.view import CollectionView

__all__ = ["Writes"]

_MOST_TRIES = 20  # of a patch that is merged into what is there
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1  # seconds
_UNGUARDED = Problem(
    501,
    "unsupported",
    "The place where this is kept cannot see to If-Match with a tag; leave it out, or ask for a model with a version.",
)


class Writes:
    """Answers POST, PATCH and DELETE."""

    def __init__(self, view: CollectionView, keys: KeyText, bindings: Bindings, options: Options) -> None:
        self._view = view
        self._keys = keys
        self._bindings = bindings
        self._options = options
        self._binding = view.binding
        self._input = view.declaration.json_input
        self._path = "/" + view.binding.collection + "/"

    async def create_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``POST /books``: a new record, answered with its place and itself."""
        self._begin(scope, Right.CREATE, user)
        _demand_a_new_record(scope)
        body = await self._body(scope, receive, JSON)
        session = Session(self._bindings, user)
        try:
            record = await self._view.handle_create(session, body)
        except ValidationError as error:
            raise _malformed(error) or error from None
        shown = await self._view.shown_stored(session, record)
        place = scope.get("root_path", "") + self._path + self._keys.write(record.__key__())
        return json_reply(201, shown, (b"location", place.encode()), (b"etag", tag_of_body(shown)))

    async def update_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``PATCH /books/1``: a merge patch (RFC 7396), answered with the record as it is now."""
        self._begin(scope, Right.UPDATE, user)
        body = await self._body(scope, receive, MERGE_PATCH, JSON)
        patch = _nested_patch(body)
        if patch is None or header_list(scope, b"if-match") is not None:
            session, record = await self._updated(scope, user, key, body, patch)
        else:
            session, record = await self._merged_at_last(scope, user, key, body, patch)
        shown = await self._view.shown_stored(session, record)
        return json_reply(200, shown, (b"etag", tag_of_body(shown)))

    async def delete_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``DELETE /books/1``."""
        self._begin(scope, Right.DELETE, user)
        demand_removal(self._binding, user, self._options.challenge)
        session = Session(self._bindings, user)
        await self._view.handle_delete(session, await self._expected(scope, session, key))
        return Reply(204, [])

    async def _updated(
        self, scope: Scope, user: User, key: Key, body: bytes, patch: dict[str, Json] | None
    ) -> tuple[Session, Any]:
        """The record with what the body gives, and its session; what it is merged into must still be as it was read."""
        session = Session(self._bindings, user)
        record = await self._expected(scope, session, key)
        nested = [
            name for name, value in (patch or {}).items() if isinstance(value, dict) and name in self._input.names
        ]
        if nested and header_list(scope, b"if-match") is None:
            with suppress(Unsupported):  # told in the documents: such a store may lose one of two that come at once
                session.expect(record, *nested)
                session.context.let_pass_unwritten(record)
        try:
            values = self._input.values(body) if patch is None else self._merged(record, patch, nested)
            return session, await self._view.handle_update(session, record, values)
        except ValidationError as error:
            raise _malformed(error) or error from None

    async def _merged_at_last(
        self, scope: Scope, user: User, key: Key, body: bytes, patch: dict[str, Json]
    ) -> tuple[Session, Any]:
        """As ``_updated``, again where somebody else has changed the record meanwhile: a patch says what to change."""
        for number in range(_MOST_TRIES):
            try:
                return await self._updated(scope, user, key, body, patch)
            except CommitAborted as error:
                if not isinstance(error.__cause__, StaleVersion) or number == _MOST_TRIES - 1:
                    raise
            await asyncio.sleep(random.uniform(0, min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)))  # noqa: S311
        raise AssertionError("the last try raises")

    def _begin(self, scope: Scope, right: Right, user: User) -> None:
        demand_right(self._binding, right, user, self._options.challenge)
        if scope["query_string"]:
            raise Problem(422, "query", "No parameters are understood here.")

    async def _body(self, scope: Scope, receive: Receive, *media_types: bytes) -> bytes:
        demand_media_type(scope, *media_types)
        body = await read_body(scope, receive, self._options.max_body, self._options.body_seconds)
        if has_repeated_names(body):
            raise Problem(400, "json", "The body gives a name twice in one object.")
        return body

    async def _expected(self, scope: Scope, session: Session, key: Key) -> Value:
        """The record, if it is as If-Match and If-None-Match want it; with a tag, the commit then expects it so."""
        if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
        try:
            record = await self._view.get_one(session, key)
        except CorruptRecord:
            if if_match is not None and not meets_if_match(if_match, b""):
                raise NOT_MET from None  # it has no tag that anybody could have been given; * it meets, as it is there
            return await self._view.handle_get_damaged(session, key)
        if if_match is None and if_none_match is None:
            return record
        tag = tag_of_body(await self._view.shown_one(record, self._view.visible(session.user, None)))
        if if_match is not None and not meets_if_match(if_match, tag):
            raise NOT_MET
        if if_none_match is not None and not meets_if_none_match(if_none_match, tag):
            raise NOT_MET
        if if_match is not None and if_match.strip() != b"*":
            try:
                session.expect(record)
                session.context.let_pass_unwritten(record)
            except Unsupported:
                raise _UNGUARDED from None
        return record

    def _merged(self, record: Record, patch: dict[str, Json], nested: list[str]) -> dict[str, Json]:
        """The values a merge patch gives; objects in it are merged into what the record has."""
        current = self._view.declaration.json_output.builtins(record, nested) if nested else {}
        return self._input.values_from(patch | {name: merged(current[name], patch[name]) for name in nested})


def _demand_a_new_record(scope: Scope) -> None:
    """Raise Problem where a condition speaks of the list, which is there and has no tag that a POST could name."""
    if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
    if (if_match or b"*").strip() != b"*" or (if_none_match or b"").strip() == b"*":
        raise NOT_MET


def _nested_patch(body: bytes) -> dict[str, Json] | None:
    """A merge patch that may have objects in it; None for any other body."""
    if body.count(b"{") < 2:
        return None
    try:
        patch = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return patch if isinstance(patch, dict) else None


def _malformed(error: ValidationError) -> Problem | None:
    """400 where the body was not even JSON."""
    if len(error.errors) == 1 and error.errors[0].code == "json" and not error.errors[0].path:
        return Problem(400, "json", f"The body {error.errors[0].message}.")
    return None
