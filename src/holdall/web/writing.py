"""The writing half of a collection over HTTP: create, patch and delete, each guarded by If-Match where it is given."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.errors import CorruptRecord, ValidationError
from holdall.policy import Right, User
from holdall.session import Bindings, Session
from holdall.web.asgi import Receive, Scope, header
from holdall.web.body import demand_media_type, has_repeated_names, read_body
from holdall.web.conditional import meets_if_match, meets_if_none_match, tag_of_body
from holdall.web.key import KeyText
from holdall.web.merge import merged
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply
from holdall.web.rights import demand_removal, demand_right
from holdall.web.view import CollectionView

__all__ = ["Writes"]

_JSON = b"application/json"
_MERGE_PATCH = b"application/merge-patch+json"
_NOT_MET = Problem(412, "precondition", "The record is not in the state the request expects.")


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
        body = await self._body(scope, receive, _JSON)
        session = Session(self._bindings, user)
        try:
            record = await self._view.handle_create(session, body)
        except ValidationError as error:
            raise _malformed(error) or error from None
        shown = await self._view.shown_stored(session, record)
        place = scope.get("root_path", "") + self._path + self._keys.write(record.__key__())
        return json_reply(201, shown, (b"location", place.encode()), (b"etag", tag_of_body(shown)))

    async def update_endpoint(self, scope: Scope, receive: Receive, user: User, key: Any) -> Reply:
        """``PATCH /books/1``: a merge patch (RFC 7396), answered with the record as it is now."""
        self._begin(scope, Right.UPDATE, user)
        body = await self._body(scope, receive, _MERGE_PATCH, _JSON)
        session = Session(self._bindings, user)
        record = await self._expected(scope, session, key)
        try:
            record = await self._view.handle_update(session, record, self._values(record, body))
        except ValidationError as error:
            raise _malformed(error) or error from None
        shown = await self._view.shown_stored(session, record)
        return json_reply(200, shown, (b"etag", tag_of_body(shown)))

    async def delete_endpoint(self, scope: Scope, receive: Receive, user: User, key: Any) -> Reply:
        """``DELETE /books/1``."""
        self._begin(scope, Right.DELETE, user)
        demand_removal(self._binding, user, self._options.challenge)
        session = Session(self._bindings, user)
        await self._view.handle_delete(session, await self._expected(scope, session, key))
        return Reply(204, [])

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

    async def _expected(self, scope: Scope, session: Session, key: Any) -> Any:
        """The record, if it is as If-Match and If-None-Match want it; its version then guards the commit."""
        if_match, if_none_match = header(scope, b"if-match"), header(scope, b"if-none-match")
        try:
            record = await self._view.get_one(session, key)
        except CorruptRecord:
            if if_match is not None:
                raise _NOT_MET from None  # it has no tag that anybody could have been given
            return await self._view.handle_get_damaged(session, key)
        if if_match is None and if_none_match is None:
            return record
        tag = tag_of_body(await self._view.shown_one(record))
        if if_match is not None and not (meets_if_match(if_match, tag) or self._is_of_version(if_match, record)):
            raise _NOT_MET
        if if_none_match is not None and not meets_if_none_match(if_none_match, tag):
            raise _NOT_MET
        return record

    def _is_of_version(self, if_match: bytes, record: Any) -> bool:
        """Whether If-Match names the record's version alone, as clients do who read it from the body."""
        version = self._view.declaration.version
        return version is not None and meets_if_match(if_match, b'"%d"' % version.get(record))

    def _values(self, record: Any, body: bytes) -> dict[str, Any]:
        """The values a merge patch gives; objects in it are merged into what the record has."""
        if body.count(b"{") < 2:
            return self._input.values(body)
        try:
            patch = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return self._input.values(body)
        if not isinstance(patch, dict):
            return self._input.values(body)
        nested = [name for name, value in patch.items() if isinstance(value, dict) and name in self._input.names]
        current = self._view.declaration.json_output.builtins(record, nested) if nested else {}
        return self._input.values_from(patch | {name: merged(current[name], patch[name]) for name in nested})


def _malformed(error: ValidationError) -> Problem | None:
    """400 where the body was not even JSON."""
    if len(error.errors) == 1 and error.errors[0].code == "json" and not error.errors[0].path:
        return Problem(400, "json", f"The body {error.errors[0].message}.")
    return None
