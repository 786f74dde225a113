"""Compressed bodies (RFC 9110, section 8.4): gzip alone, and never more of it than a body may have."""

from __future__ import annotations

import zlib

from holdall.web.asgi import Scope, header_list
from holdall.web.problem import Problem

__all__ = ["demand_encoding", "is_compressed", "plain_body"]

_GZIP = (b"gzip", b"x-gzip")
_PLAIN = (b"", b"identity")
_WINDOW = 16 + zlib.MAX_WBITS  # gzip, with its head and its sum


def demand_encoding(scope: Scope) -> None:
    """Raise Problem (415) for a body that is compressed in another way than gzip, or more than once."""
    if _encoding(scope) not in (*_PLAIN, *_GZIP):
        headers = [(b"accept-encoding", b"gzip, identity")]
        raise Problem(415, "media-type", "The body must be plain, or compressed by gzip.", headers=headers)


def is_compressed(scope: Scope) -> bool:
    """Whether the body is said to be compressed by gzip."""
    return _encoding(scope) in _GZIP


def plain_body(body: bytes, most: int) -> bytes:
    """The body, of at most ``most`` bytes. Raises Problem: 413 for more, 400 for what is no gzip, whole and alone.

    >>> import gzip
    >>> plain_body(gzip.compress(b"{}"), 10)
    b'{}'
    """
    reader = zlib.decompressobj(_WINDOW)
    try:
        found = reader.decompress(body, most + 1)
    except zlib.error:
        raise Problem(400, "encoding", "The body is not gzip, as it is said to be.") from None
    if len(found) > most:
        raise Problem(413, "too-large", f"The body is larger than {most} bytes.")
    if not reader.eof or reader.unused_data:
        raise Problem(400, "encoding", "The body is not gzip, as it is said to be.")
    return found


def _encoding(scope: Scope) -> bytes:
    return (header_list(scope, b"content-encoding") or b"").strip().lower()
