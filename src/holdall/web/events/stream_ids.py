"""The ids of streams: sealed, so that they do not tell how much happens to records that a client may not see."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

__all__ = ["StreamIds"]

_PURPOSE = b"holdall stream"
"""The purpose of the sealing key, for ids of format 1; an id of another format is none, and its client reads anew."""
_PART = 8  # bytes of the nonce, of the number and of the signature
_LENGTH = 3 * _PART * 4 // 3


class StreamIds:
    """Makes ids of numbers of events, and opens them; equal numbers have different ids, and ids have no order.

    A number is hidden by a pad, which is the HMAC-SHA256 (RFC 2104) of a nonce, and signed with its collection.

    >>> ids = StreamIds(b"secret")
    >>> made = ids.make("books", 41)
    >>> ids.open("books", made), ids.open("papers", made), ids.open("books", b"41"), made == ids.make("books", 41)
    (41, None, None, False)
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, person=_PURPOSE, digest_size=32).digest()

    def make(self, collection: str, number: int) -> bytes:
        """The id of a number up to 2^64."""
        nonce = secrets.token_bytes(_PART)
        hidden = _xor(number.to_bytes(_PART, "big"), self._pad(nonce))
        return urlsafe_b64encode(nonce + hidden + self._signature(collection, nonce + hidden))

    def open(self, collection: str, text: bytes) -> int | None:
        """The number of an id that was made for this collection; None for any other text."""
        if len(text) != _LENGTH:
            return None
        try:
            opened = urlsafe_b64decode(text)
        except ValueError:
            return None
        content, signature = opened[: 2 * _PART], opened[2 * _PART :]
        if not hmac.compare_digest(signature, self._signature(collection, content)):
            return None
        return int.from_bytes(_xor(content[_PART:], self._pad(content[:_PART])), "big")

    def _pad(self, nonce: bytes) -> bytes:
        return hmac.digest(self._key, b"pad" + nonce, "sha256")[:_PART]

    def _signature(self, collection: str, content: bytes) -> bytes:
        return hmac.digest(self._key, b"signature" + content + collection.encode(), "sha256")[:_PART]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes([one ^ other for one, other in zip(left, right, strict=True)])
