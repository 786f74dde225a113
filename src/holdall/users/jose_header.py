"""The header of a signed token, looked at before anything of it is believed."""

from __future__ import annotations

import base64

import msgspec
from joserfc import jwk

from holdall.query import Value

__all__ = ["KINDS", "REFUSED", "header_of", "import_key"]

KINDS = {
    "HS256": "oct", "HS384": "oct", "HS512": "oct", "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA",
    "PS384": "RSA", "PS512": "RSA", "ES256": "EC", "ES384": "EC", "ES512": "EC", "EdDSA": "OKP", "Ed25519": "OKP",
}  # fmt: skip
"""The algorithms of signatures, and the kind of key that each is for."""
REFUSED = ("jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "zip", "enc")
"""Parts of a header by which a token would say itself how it is to be believed."""

import_key: Value = jwk.import_key  # its overloads want the kind as a literal


def header_of(token: str) -> dict[str, Value] | None:
    """The header of a token, which nobody has checked; None where it is none, or names what is refused."""
    text = token.partition(".")[0]
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and not any(name in found for name in REFUSED) else None
