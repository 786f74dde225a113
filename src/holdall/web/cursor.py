"""Cursors: where a page ended, signed, so that the next one starts after it and nobody can make one up."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

from holdall.errors import LimitExceeded
from holdall.query import FieldSchema, Kind, SortKey, Value
from holdall.web.text_value import BORDER_TYPES

__all__ = ["MAX_LENGTH", "Cursors"]

_SIGNATURE_BYTES = 16
_PURPOSE = b"holdall cursor"
"""What the signing key is for: cursors of format 1. Another format has another purpose (at most 16 bytes), so that no
version opens what another one made in a form that it does not know; clients are told to begin anew.
"""
MAX_LENGTH = 6_000
"""The most characters of a cursor, made or taken, so that a query string of 8 KiB has room for the rest."""


class Cursors:
    """Makes and opens cursors: signed with HMAC-SHA256 (RFC 2104), not hidden, for they hold what a page showed."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, person=_PURPOSE, digest_size=32).digest()

    def make(self, collection: str, sort_keys: Sequence[SortKey], position: tuple[Value, ...]) -> str:
        """The cursor of a position: a border value, or None, for each sort key.

        Raises LimitExceeded where it would be longer than ``open`` takes.
        """
        payload = msgspec.msgpack.encode(position)
        made = urlsafe_b64encode(self._signature(collection, sort_keys, payload) + payload).rstrip(b"=").decode()
        if len(made) > MAX_LENGTH:
            raise LimitExceeded("characters in the cursor of a page", MAX_LENGTH, "sort by a field of shorter values")
        return made

    def open(
        self, text: str, collection: str, sort_keys: Sequence[SortKey], fields: Sequence[FieldSchema]
    ) -> tuple[Value, ...] | None:
        """The position in a cursor that was made for this collection and sort; None for any other text.

        ``fields`` are those the sort keys lead to.
        """
        if len(text) > MAX_LENGTH or not text.isascii():
            return None
        try:
            signed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(collection, sort_keys, payload)):
            return None
        types = tuple(_type_of(field) for field in fields)
        try:
            return msgspec.msgpack.decode(payload, type=tuple[types])  # type: ignore[valid-type]
        except msgspec.DecodeError:  # signed by a service whose model was another
            return None

    def _signature(self, collection: str, sort_keys: Sequence[SortKey], payload: bytes) -> bytes:
        paths = [tuple(map(str.__str__, key.path)) for key in sort_keys]  # of references inside values as plain text
        ways = [(path, key.descending) for path, key in zip(paths, sort_keys, strict=True)]
        purpose = msgspec.msgpack.encode((collection, ways))
        content = len(purpose).to_bytes(4, "big") + purpose + payload
        return hmac.digest(self._key, content, "sha256")[:_SIGNATURE_BYTES]


def _type_of(field: FieldSchema) -> Any:
    while field.kind is Kind.REF:
        (field,) = field.target_key
    return BORDER_TYPES[field.kind] | None
