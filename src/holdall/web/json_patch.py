"""JSON Patch (RFC 6902): operations on the JSON of a record become values for its fields."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from holdall.errors import FieldError
from holdall.query import Json
from holdall.web.problem import Problem

__all__ = ["MAX_OPERATIONS", "JsonPatch", "same_json"]

MAX_OPERATIONS = 1_000

_WRONG_ESCAPE = re.compile("~(?![01])")
_encode = msgspec.json.Encoder(order="deterministic").encode
_MEMBERS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}


class JsonPatch:
    """The operations of one body. Raises Problem (400) for what is no JSON, (422) for what is no patch.

    ``most`` bounds the values that operations copy, as copies of copies grow fast.

    >>> JsonPatch(b'[{"op": "add", "path": "/tags/-", "value": "old"}]').changes(b'{"title": "Emma", "tags": []}')
    {'tags': ['old']}
    """

    def __init__(self, body: bytes, most: int = 100_000) -> None:
        self._most = most
        try:
            operations = msgspec.json.decode(body)
        except RecursionError:
            raise Problem(400, "json", "The body is nested too deep.") from None
        except (msgspec.DecodeError, UnicodeError):
            raise Problem(400, "json", "The body is not JSON.") from None
        if not isinstance(operations, list):
            raise _no_patch([FieldError("", "type", "must be a JSON array of operations")])
        if len(operations) > MAX_OPERATIONS:
            raise Problem(422, "limit", f"More than {MAX_OPERATIONS} operations.")
        errors = [error for place, each in enumerate(operations) for error in _errors_of(each, str(place))]
        if errors:
            raise _no_patch(errors)
        self._operations: list[dict[str, Json]] = operations

    def apply(self, document: Json) -> Json:
        """The document after all operations; it is changed in place. Raises Problem for one that cannot be done: 409
        ``test`` for a test that fails, 422 ``patch`` for a place that is not there; the pointer names the operation.
        """
        from jsonpatch import (  # takes its time, and few requests need it
            JsonPatch as Operations,
        )
        from jsonpatch import (
            JsonPatchException,
            JsonPatchTestFailed,
            JsonPointer,
            JsonPointerException,
        )

        room = self._most
        for place, each in enumerate(self._operations):
            try:
                if each["op"] == "copy":
                    room -= values_in(JsonPointer(str(each["from"])).resolve(document), room)
                    if room < 0:
                        raise Problem(422, "limit", f"The patch copies more than {self._most} values.")
                document = Operations([each]).apply(document, in_place=True)
            except JsonPatchTestFailed:
                error = FieldError(str(place), "test", "the document has another value there")
                raise Problem(
                    409, "test", "A test of the patch fails; nothing was changed.", [error], has_pointers=True
                ) from None
            except (JsonPatchException, JsonPointerException):
                error = FieldError(str(place), "place", "leads to a place that the document does not have")
                raise Problem(
                    422, "patch", "An operation of the patch cannot be done.", [error], has_pointers=True
                ) from None
            except RecursionError:
                raise Problem(422, "limit", "The patch nests values too deep.") from None
        return document

    def changes(self, shown: bytes) -> dict[str, Json]:
        """The members of a JSON object that the operations change, with their new values; null for those they remove.

        Raises Problem as ``apply``, and for an object that becomes something else.
        """
        before: dict[str, Json] = msgspec.json.decode(shown)
        after = self.apply(msgspec.json.decode(shown))
        if not isinstance(after, dict):
            raise _no_patch([FieldError("", "type", "must leave a JSON object")])
        try:
            changed: dict[str, Json] = {
                name: value for name, value in after.items() if name not in before or not same_json(value, before[name])
            }
        except RecursionError:
            raise Problem(422, "limit", "The patch nests values too deep.") from None
        return changed | {name: None for name in before.keys() - after.keys() if before[name] is not None}


def same_json(one: Json, other: Json) -> bool:
    """Whether two values are the same in JSON: true is no 1, and members have no order.

    >>> same_json({"a": 1, "b": 2}, {"b": 2, "a": 1}), same_json(True, 1)
    (True, False)
    """
    return _encode(one) == _encode(other)


def values_in(document: Json, most: int) -> int:
    """How many values a document has, counted no further than shortly beyond ``most``."""
    pending: list[Any] = [document]
    number = 0
    while pending and number <= most:
        each = pending.pop()
        number += 1
        if isinstance(each, dict):
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
    return number


def _errors_of(operation: Json, place: str) -> list[FieldError]:
    if not isinstance(operation, dict):
        return [FieldError(place, "type", "must be a JSON object")]
    name = operation.get("op")
    if not isinstance(name, str) or name not in _MEMBERS:
        return [FieldError(f"{place}.op", "one_of", f"must be one of {', '.join(_MEMBERS)}")]
    errors = []
    for member in _MEMBERS[name]:
        if member not in operation:
            errors.append(FieldError(f"{place}.{member}", "required", "is required"))
        elif member != "value" and not _is_pointer(operation[member]):
            errors.append(FieldError(f"{place}.{member}", "pointer", "must be a JSON Pointer, as /title"))
    return errors


def _is_pointer(value: Json) -> bool:
    """Whether a value is a JSON Pointer (RFC 6901)."""
    if not isinstance(value, str) or (value and value[0] != "/"):
        return False
    return _WRONG_ESCAPE.search(value) is None


def _no_patch(errors: list[FieldError]) -> Problem:
    return Problem(422, "patch", "What was sent is no JSON Patch; each breach is listed.", errors, has_pointers=True)
