"""Tickets for direct uploads: the content that somebody may have written for a field of a record, signed."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from holdall.query import Key

__all__ = ["Tickets"]

_SIGNATURE_BYTES = 16
_PURPOSE = b"holdall upload"
_LONGEST = 4_096


class Tickets:
    """Makes and opens tickets, signed with HMAC-SHA256 (RFC 2104).

    >>> tickets = Tickets(b"secret")
    >>> ticket = tickets.make("books.cover", 7, "ann", "key of the content", 60.0)
    >>> tickets.open(ticket, "books.cover", 7, "ann"), tickets.open(ticket, "books.cover", 8, "ann")
    ('key of the content', None)
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, person=_PURPOSE, digest_size=32).digest()

    def make(self, place: str, record: Key, user: str, key: str, seconds: float) -> str:
        """Make a ticket for the content with a key, good for some seconds."""
        payload = msgspec.msgpack.encode((key, time.time() + seconds))
        return urlsafe_b64encode(self._signature(place, record, user, payload) + payload).rstrip(b"=").decode()

    def open(self, ticket: str, place: str, record: Key, user: str) -> str | None:
        """Return the key in a ticket that was made for this place, record and user and still holds; None otherwise."""
        if len(ticket) > _LONGEST or not ticket.isascii():
            return None
        try:
            signed = urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        except ValueError:
            return None
        signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(place, record, user, payload)):
            return None
        key, end = msgspec.msgpack.decode(payload, type=tuple[str, float])
        return key if time.time() <= end else None

    def _signature(self, place: str, record: Key, user: str, payload: bytes) -> bytes:
        purpose = msgspec.msgpack.encode((place, record, user), enc_hook=str)
        content = len(purpose).to_bytes(4, "big") + purpose + payload
        return hmac.digest(self._key, content, "sha256")[:_SIGNATURE_BYTES]
