"""Items of a bulk request: which record each is about, in which state it must be, what it is to become."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from holdall.errors import FieldError
from holdall.query import Json, Key
from holdall.web.key import KeyText
from holdall.web.problem import Problem
from holdall.web.text_value import Unreadable

__all__ = ["Item", "Misunderstood", "items_of", "raw_items"]

_decode = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Misunderstood(Problem):
    """An item is none: its mistakes are in its own members, not in the values that it has for a record."""


class Item(msgspec.Struct, frozen=True):
    """One item: the record it is about, with the ETag that this must have, and its patch as JSON.

    ``problem`` says why it cannot be understood.
    """

    key: Key = None
    etag: bytes | None = None
    patch: bytes = b""
    problem: Problem | None = None


def raw_items(body: bytes, most: int) -> list[bytes]:
    """The members of a JSON array, not decoded. Raises Problem for what is none, is empty or has too many."""
    try:
        found = [bytes(item) for item in _decode(body)]
        msgspec.json.decode(body)  # raw members are not looked at
    except RecursionError:
        raise Problem(400, "json", "The body is nested too deep.") from None
    except msgspec.ValidationError:
        raise Problem(422, "invalid", "The body must be a JSON array.") from None
    except (msgspec.DecodeError, UnicodeError):
        raise Problem(400, "json", "The body is not JSON.") from None
    if not found:
        raise _refused("length", "must have an item")
    if len(found) > most:
        raise Problem(422, "limit", f"More than {most} items.")
    return found


def items_of(body: bytes, keys: KeyText, most: int, *, has_patch: bool) -> list[Item]:
    """The items of a body; of two that are about the same record the second cannot be understood."""
    found: list[Item] = []
    seen: set[Key] = set()
    for raw in raw_items(body, most):
        item = _item(raw, keys, has_patch=has_patch)
        if item.problem is None:
            if item.key in seen:
                item = Item(item.key, problem=_refused("repeated", "must be there once", "key"))
            seen.add(item.key)
        found.append(item)
    return found


def _item(raw: bytes, keys: KeyText, *, has_patch: bool) -> Item:
    value: Json = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        if has_patch:
            return Item(problem=_refused("type", "must be a JSON object with key and patch"))
        value = {"key": value}
    errors = [
        FieldError(name, "unknown", "is not a member of an item")
        for name in value
        if name not in ("key", "etag", *(["patch"] if has_patch else []))
    ]
    etag = value.get("etag")
    if "etag" in value and not (isinstance(etag, str) and etag.isascii()):
        errors.append(FieldError("etag", "type", "must be an ETag, with its quotation marks, or *"))
    if has_patch and not isinstance(value.get("patch"), dict):
        errors.append(FieldError("patch", "type", "must be a JSON object"))
    try:
        key = keys.read(_text(value.get("key")))
    except Unreadable:
        key = None
        errors.append(FieldError("key", "value", "must be the key of a record, as a path has it"))
    if errors:
        detail = "The item cannot be understood; each breach is listed."
        return Item(problem=Misunderstood(422, "invalid", detail, errors))
    patch = _patch_in(raw) if has_patch else b""
    return Item(key, etag.encode() if isinstance(etag, str) else None, patch)


class _Patched(msgspec.Struct):
    patch: msgspec.Raw


def _patch_in(raw: bytes) -> bytes:
    """The patch as it was sent: numbers in it are no floats yet."""
    return bytes(msgspec.json.decode(raw, type=_Patched).patch)


def _text(key: Any) -> str:
    """The key as a path has it; a client may give the value of the record's field, too, or a list of such."""
    if isinstance(key, list):
        return ",".join(quote(_text(part), safe="") for part in key)
    if isinstance(key, str):
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise Unreadable("must be a key")


def _refused(code: str, message: str, path: str = "") -> Problem:
    error = FieldError(path, code, message)
    return Misunderstood(422, "invalid", "What was sent breaks rules; each breach is listed.", [error])
