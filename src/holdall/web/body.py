"""Request bodies: read whole, within a bound of size and of time, and only in a media type that is understood."""

from __future__ import annotations

import asyncio
import json
import re

from holdall.web.asgi import Receive, Scope, header
from holdall.web.problem import Problem

__all__ = ["Disconnected", "demand_media_type", "has_repeated_names", "read_body"]

_STRING = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:|"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Disconnected(Exception):
    """The client left before its request was whole; nobody waits for an answer."""


def demand_media_type(scope: Scope, *accepted: bytes) -> None:
    """Raise Problem (415) unless the body is declared to be of one of these types, or of none."""
    declared = header(scope, b"content-type")
    if declared is None:
        return
    media_type, _, parameters = declared.partition(b";")
    charset = parameters.strip().lower().removeprefix(b"charset=").strip(b'"')
    if media_type.strip().lower() not in accepted or charset not in (b"", b"utf-8"):
        known = ", ".join(item.decode() for item in accepted)
        headers = [(b"accept-patch" if scope["method"] == "PATCH" else b"accept-post", known.encode())]
        raise Problem(415, "media-type", f"The body must be {known}.", headers=headers)


async def read_body(scope: Scope, receive: Receive, most: int, seconds: float) -> bytes:
    """The whole body of at most ``most`` bytes, in at most so many seconds; raises Problem or Disconnected."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and (len(declared) > 18 or int(declared) > most):
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                body: bytes = message.get("body", b"")
                if len(body) > most:
                    raise _too_large(most)
                return body
            return await _read_parts(message, receive, most)
    except TimeoutError:
        raise Problem(408, "slow", f"The body did not come within {seconds:g} seconds.") from None


def has_repeated_names(body: bytes) -> bool:
    """Whether an object in the JSON has a name twice, which decoders read as they like (RFC 8259, section 4).

    One look over all strings settles nearly every body; only where names are alike or escaped is it decoded.
    """
    names = [name for name in _STRING.findall(body) if name]
    if len(set(names)) == len(names) and not any(b"\\" in name for name in names):
        return False
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except _Repeated:
        return True
    except (ValueError, RecursionError):  # not JSON at all: whoever decodes it will say so
        return False
    return False


class _Repeated(Exception):
    pass


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Repeated


async def _read_parts(message: object, receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        assert isinstance(message, dict)
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large(most: int) -> Problem:
    return Problem(413, "too-large", f"The body is larger than {most} bytes.", headers=((b"connection", b"close"),))
