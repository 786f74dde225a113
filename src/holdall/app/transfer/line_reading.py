"""Lines and documents of a file as the members of records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from holdall.app.transfer.yaml_documents import members_of
from holdall.errors import FieldError
from holdall.model import are_plainly_distinct, has_repeated_names
from holdall.query import Json, Value

__all__ = ["Members", "Read", "json_reader", "yaml_reader"]

Members = dict[str, Json] | tuple[Json, ...] | FieldError
"""The members that a line gives, or the values of a row of CSV, or what is wrong with it."""

Read = Callable[[Sequence[bytes]], Sequence[Members]]
"""From lines to their members."""

_decode = msgspec.json.Decoder(dict[str, Value]).decode


def json_reader(skip: Collection[str]) -> Read:
    """The reader of lines of JSON, without the members that are skipped.

    >>> json_reader(["b"])([b'{"a": 1, "b": 2}'])
    [{'a': 1}]
    """

    def read(lines: Sequence[bytes]) -> list[Members]:
        try:
            found = [_decode(line) for line in lines]
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            found = []
        if len(found) < len(lines) or not are_plainly_distinct(lines, found):
            return [_without(skip, _json_members(line)) for line in lines]
        return [_without(skip, members) for members in found] if skip else list(found)

    return read


def yaml_reader(skip: Collection[str]) -> Read:
    """The same of documents of YAML. Example: :func:`json_reader`."""
    return lambda documents: [_without(skip, members_of(each)) for each in documents]


def _without(skip: Collection[str], members: dict[str, Json] | FieldError) -> Members:
    if isinstance(members, FieldError) or not skip:
        return members
    return {name: value for name, value in members.items() if name not in skip}


def _json_members(line: bytes) -> dict[str, Json] | FieldError:
    if has_repeated_names(line):
        return FieldError("", "json", "gives a name twice in one object")
    try:
        found: dict[str, Json] = _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return FieldError("", "json", "is not a JSON object")
    return found
