"""The routes that a REST view has by itself: what each takes of a request, and which right it needs before that."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from starlette.requests import Request

from holdall.errors import NotFound, Unsupported, ValidationError
from holdall.model import has_repeated_names
from holdall.policy import Right
from holdall.query import Key, Value
from holdall.session import Binding, Session
from holdall.web.asgi import Scope
from holdall.web.body import (
    JSON,
    JSON_PATCH,
    MERGE_PATCH,
    demand_few_values,
    demand_media_type,
    media_type,
    read_body,
)
from holdall.web.conditional import demand_a_new_record
from holdall.web.formats import Format, accepted_format, with_format
from holdall.web.intake import expect_unchanged
from holdall.web.json_patch import JsonPatch
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.preferences import preferences_of
from holdall.web.problem import Problem
from holdall.web.views.answers import Input
from holdall.web.views.items import BulkItems
from holdall.web.views.many import is_list
from holdall.web.views.serving import Serving
from holdall.web.views.view import is_own
from holdall.web.writing import malformed

__all__ = ["ONE_OF_MANY", "STANDARD", "Standard", "input_of"]


class Standard(msgspec.Struct, frozen=True):
    """A route that a REST view has by itself: the right it needs, and what its method is given.

    ``other`` is a right that is as good. ``is_whole``: the body is all of a record.
    """

    verb: str
    right: Right
    takes: tuple[str, ...]
    media_types: tuple[bytes, ...] = ()
    other: Right | None = None
    is_whole: bool = False

    def is_had_by(self, binding: Binding) -> bool:
        """Whether a collection has such a route: one that is read only has none that write, a keyless one no items."""
        return (self.right is Right.READ or not binding.is_read_only) and not (
            binding.is_keyless and "key" in self.takes
        )


STANDARD = {
    "get_many_endpoint": Standard("list", Right.READ, ("query_params",)),
    "get_one_endpoint": Standard("get", Right.READ, ("key",)),
    "create_endpoint": Standard("create", Right.CREATE, ("data",), (JSON,)),
    "put_endpoint": Standard("put", Right.UPDATE, ("key", "data"), (JSON,), Right.CREATE, is_whole=True),
    "update_endpoint": Standard("update", Right.UPDATE, ("key", "data"), (MERGE_PATCH, JSON, JSON_PATCH)),
    "delete_endpoint": Standard("delete", Right.DELETE, ("key",)),
    "update_many_endpoint": Standard("update_many", Right.UPDATE, ("items",), (JSON, MERGE_PATCH)),
    "delete_many_endpoint": Standard("delete_many", Right.DELETE, ("items",), (JSON,)),
}

ONE_OF_MANY = {"update_many_endpoint": "update_endpoint", "delete_many_endpoint": "delete_endpoint"}
"""The route of one record without which there is none for many: one that is excluded, or replaced, holds for them."""

_PREFERENCES = (b"return", b"tx=rollback", b"tx=commit")


async def input_of(
    standard: Standard, serving: Serving, request: Request, session: Session, view: Any, own: set[str]
) -> dict[str, Value]:
    """Read what the method of a route is given. Raises Problem for what it refuses, ValidationError of its body."""
    may_other = standard.other is not None and serving.binding.policy.allows(standard.other, session.user)
    serving.demand(standard.right if standard.other is None or not may_other else standard.other, session)
    scope = request.scope
    values: dict[str, Value] = {}
    if "items" in standard.takes:
        body = await _body(serving, request, standard.media_types)
        if is_list(body):
            _demand_no_others(scope["query_string"], own)
        return {"items": await _many(serving, scope, session, view, standard.right, body, own)}
    if standard.right is not Right.READ:
        view.writes.preferences = preferences_of(scope, *_PREFERENCES)
    if "query_params" in standard.takes:
        accepted = accepted_format(scope) if serving.lists_as_collections else Format.JSON
        query_string = scope["query_string"]
        query_string = query_string if accepted is Format.JSON else with_format(query_string, accepted)
        values["query_params"] = serving.listing(query_string, own, session)
    elif standard.right is Right.READ:
        view.asked = serving.shown_of_one(scope["query_string"], own, session)
    else:
        _demand_no_others(scope["query_string"], own)
    if "key" in standard.takes:
        values["key"] = serving.key(_segment(scope))
    if "data" in standard.takes:
        is_new = "key" not in standard.takes
        if is_new:
            demand_a_new_record(scope)
        body = await _body(serving, request, standard.media_types)
        if standard.verb == "create" and is_list(body) and is_own(type(view), "create_endpoint"):
            return {"items": await _many(serving, scope, session, view, standard.right, body, own)}
        try:
            if standard.is_whole:
                view.writes.is_whole = True
                if serving.is_simple_rest:
                    body = await _with_the_rest(serving, session, view, values["key"], body)
                values["data"], view.writes.claims = serving.whole(body, values["key"], session)
            elif media_type(scope) == JSON_PATCH:
                values["data"] = await _patched(serving, session, view, values["key"], body)
            else:
                values["data"] = serving.take(body, session, is_new=is_new)
        except ValidationError as error:
            raise malformed(error) or error from None
    return values


async def _many(
    serving: Serving, scope: Scope, session: Session, view: Any, right: Right, body: bytes, own: set[str]
) -> BulkItems:
    try:
        return await serving.many.items(scope, session, view, right, body, own)
    except ValidationError as error:
        raise malformed(error) or error from None


async def _with_the_rest(serving: Serving, session: Session, view: Any, key: Key, body: bytes) -> bytes:
    """The whole of a record, where react-admin changes several at once and gives some members alone."""
    with suppress(msgspec.DecodeError, UnicodeError, RecursionError):  # which the whole of it tells
        given = msgspec.json.decode(body)
        found = await session.query(serving.meets(view.build_query(), key))
        if found and isinstance(given, dict):
            return msgspec.json.encode(msgspec.json.decode(await serving.body_of(session, found[0])) | given)
    return body


async def _patched(serving: Serving, session: Session, view: Any, key: Key, body: bytes) -> Input:
    """The changes of a JSON Patch to a record as the view shows it, which must then be written as it was read."""
    patch = JsonPatch(body, serving.options.max_values)
    found = await session.query(serving.meets(view.build_query(), key))
    if not found:
        raise NotFound(serving.binding.collection, key)
    with suppress(Unsupported):
        expect_unchanged(session, found[0])
    changes = patch.changes(await serving.body_of(session, found[0]))
    errors = serving.refused(changes, session, is_new=False)
    if errors:
        raise ValidationError(serving.binding.model.__name__, errors)
    return serving.form.changed(changes)


async def _body(serving: Serving, request: Request, media_types: tuple[bytes, ...]) -> bytes:
    demand_media_type(request.scope, *media_types)
    options = serving.options
    body = await read_body(request.scope, request.receive, options.max_body, options.body_seconds)
    demand_few_values(body, options.max_values)
    if has_repeated_names(body):
        raise Problem(400, "json", "The body gives a name twice in one object.")
    return body


def _demand_no_others(query_string: bytes, own: set[str]) -> None:
    if query_string:
        unknown = [name for name, _ in parameters_of(query_string) if name not in own]
        if unknown:
            raise not_understood([unknown_parameter(name) for name in unknown])


def _segment(scope: Scope) -> str:
    """The undecoded segment of the path that names a record: a decoded one cannot tell its commas apart."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.rstrip(b"/").rpartition(b"/")[2].decode("latin-1")
