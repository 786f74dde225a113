"""Request bodies: read whole, within a bound of size and of time, and only in a media type that is understood."""

from __future__ import annotations

import asyncio
import re

from holdall.web.asgi import NAME, Message, Receive, Scope, header, header_list
from holdall.web.compression import demand_encoding, is_compressed, plain_body
from holdall.web.problem import Problem
from holdall.web.waiting import within

__all__ = [
    "CSV",
    "JSON",
    "JSON_PATCH",
    "MERGE_PATCH",
    "NDJSON",
    "Disconnected",
    "asks_nothing",
    "demand_few_values",
    "demand_media_type",
    "given_again",
    "let_others_in",
    "media_type",
    "read_body",
]

_LARGE = 2**15  # bytes
_PATIENCE = 8  # times the bound that are read and thrown away before the connection is closed


_PARAMETER = re.compile(rb';?\s*([^;=\s"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s"]*)')

JSON = b"application/json"
MERGE_PATCH = b"application/merge-patch+json"
JSON_PATCH = b"application/json-patch+json"
CSV = b"text/csv"
NDJSON = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")


_ASKING = frozenset({b"content-encoding", b"if-match", b"if-none-match", b"prefer"})


class Disconnected(Exception):
    """The client left before its request was whole; nobody waits for an answer."""


def given_again(scope: Scope, body: bytes) -> Receive:
    """Make what gives a body that was read to its next reader; the request says from now on that the body is plain."""
    scope["headers"] = [each for each in scope["headers"] if each[0] != b"content-encoding"]

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def asks_nothing(scope: Scope) -> bool:
    """Whether a request has plain JSON, no parameters, no conditions and no preferences: nothing but its body counts.

    >>> asks_nothing({"query_string": b"", "headers": [(b"content-type", b"application/json"), (b"accept", b"*/*")]})
    True
    >>> asks_nothing({"query_string": b"", "headers": [(b"prefer", b"return=minimal")]})
    False
    """
    if scope["query_string"] or not _ASKING.isdisjoint(map(NAME, scope["headers"])):
        return False
    return header_list(scope, b"content-type") in (None, JSON)


def demand_media_type(scope: Scope, *accepted: bytes) -> None:
    """Raise Problem (415) unless the body is of one of these types, or of none that it says, and plain or gzip."""
    demand_encoding(scope)
    declared = header_list(scope, b"content-type")
    if declared is None or declared in accepted:
        return
    named, _, parameters = declared.partition(b";")
    charsets = {
        value.strip(b'"').lower() for name, value in _PARAMETER.findall(parameters) if name.lower() == b"charset"
    }
    if named.strip().lower() not in accepted or not charsets <= {b"utf-8", b"utf8"}:
        known = ", ".join(item.decode() for item in accepted)
        headers = [(b"accept-patch" if scope["method"] == "PATCH" else b"accept-post", known.encode())]
        raise Problem(415, "media-type", f"The body must be {known}.", headers=headers)


def media_type(scope: Scope) -> bytes:
    """The type that the body is declared to be of, without parameters; empty where it is not declared."""
    return (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()


async def read_body(scope: Scope, receive: Receive, most: int, seconds: float) -> bytes:
    """Read the whole body of at most ``most`` bytes within ``seconds``; raises Problem or Disconnected.

    Of a body that is too large a bounded part is still taken in, because a client that is writing does not listen.
    """
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and (len(declared) > 18 or int(declared) > most * _PATIENCE):
        raise _too_large(most, is_whole=False)
    if is_compressed(scope):
        return plain_body(await _read(receive, most, seconds), most)
    return await _read(receive, most, seconds)


async def _read(receive: Receive, most: int, seconds: float) -> bytes:
    try:
        return await within(_read_whole(receive, most), seconds)
    except TimeoutError:
        headers = ((b"connection", b"close"),)
        raise Problem(408, "slow", f"The body did not come within {seconds:g} seconds.", headers=headers) from None


async def _read_whole(receive: Receive, most: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > most:
            raise _too_large(most, is_whole=True)
        return body
    return await _read_parts(message, receive, most)


async def let_others_in(body: bytes) -> None:
    """Let the event loop serve others between two looks at a large body, each of which takes a while."""
    if len(body) > _LARGE:
        await asyncio.sleep(0)


def demand_few_values(body: bytes, most: int) -> None:
    """Raise Problem (413) for JSON of more values than ``most``: what it costs to check them keeps others waiting."""
    if len(body) > most and _values_in(body) > most and _values_in(_without_strings(body)) > most:
        raise Problem(413, "too-large", f"The body has more than {most} values.")


def _values_in(body: bytes) -> int:
    """The signs after which a value stands; in strings they mean nothing."""
    return sum(map(body.count, (b",", b":", b"[", b"{")))


def _without_strings(body: bytes) -> bytes:
    return b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])


async def _read_parts(message: Message, receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size <= most:
            parts.append(part)
        elif size > most * _PATIENCE:
            raise _too_large(most, is_whole=False)
        if not message.get("more_body"):
            break
        message = await receive()
    if size > most:
        raise _too_large(most, is_whole=True)
    return b"".join(parts)


def _too_large(most: int, *, is_whole: bool) -> Problem:
    headers = () if is_whole else ((b"connection", b"close"),)
    return Problem(413, "too-large", f"The body is larger than {most} bytes.", headers=headers)
