"""Signatures of webhooks: HMAC-SHA256 of the id, the moment and the body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from holdall.errors import DeclarationError

__all__ = ["Signature"]

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64  # bytes


class Signature:
    """Signs what webhooks send, with each of its secrets: the present one, and former ones while they are exchanged.

    A secret is ``whsec_`` and 24 to 64 bytes in base64. No secret is shown or logged. Raises DeclarationError for what
    is none. Source: Standard Webhooks 1.0.0, symmetric signatures.

    >>> signature = Signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLzSw")
    >>> signature.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')["webhook-signature"]
    'v1,zUcR3LgBgKZ4KCJcLL9oVWMrQihNUFarJm88ms8Uma0='
    >>> signature
    Signature(1 secret)
    """

    def __init__(self, *secrets: str) -> None:
        if not secrets:
            raise DeclarationError("a webhook is signed: give its secret, whsec_ and 24 to 64 bytes in base64")
        self._keys = [_key_of(secret) for secret in secrets]

    def headers(self, id: str, timestamp: int, body: bytes) -> dict[str, str]:  # noqa: A002 - the word of the standard
        """Return the headers of a body; ``timestamp`` is in seconds of Unix time. Example: :class:`Signature`."""
        signed = f"{id}.{timestamp}.".encode() + body
        digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in self._keys]
        told = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
        return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": told}

    def __repr__(self) -> str:
        return f"Signature({len(self._keys)} secret{'s' if len(self._keys) != 1 else ''})"


def _key_of(secret: object) -> bytes:
    advice = "the secret of a webhook is whsec_ and 24 to 64 bytes in base64"
    if not isinstance(secret, str) or not secret.startswith(_PREFIX):
        raise DeclarationError(advice)
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise DeclarationError(advice) from None
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise DeclarationError(advice)
    return key
