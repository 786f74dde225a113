"""From HTTP to ours: what a status means, what a driver's error means, and an API's own reasons for a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import aiohttp
import msgspec

from holdall.errors import (
    AlreadyExists,
    Conflict,
    ReferenceViolation,
    StaleVersion,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    UpstreamError,
)
from holdall.query import Schema
from holdall.store import Change, Verb
from holdall.stores.rest.places import steps

__all__ = [
    "CLIENT_ERRORS", "PASSING", "STATUSES", "Refusals", "from_client", "from_status", "refusal_of", "unknown",
]  # fmt: skip

Reason = Literal["exists", "unique", "reference", "stale", "conflict", "busy"]

_REASONS: dict[str, Reason] = {reason: reason for reason in get_args(Reason)}

_LEADS_ON = (302, 303)  # after a write that was done, as a rule; 307 and 308 lead to where it can be done

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The statuses after which the same call may go well."""

STATUSES: dict[int, str] = {
    400: "it does not understand the call",
    401: "it does not accept the credentials",
    402: "it wants to be paid first",
    403: "it forbids this to these credentials",
    404: "it knows no such path",
    405: "it does not take this method here",
    406: "it cannot answer in JSON",
    407: "a proxy on the way wants credentials",
    408: "it gave up waiting for the call",
    409: "it does not go together with what it holds",
    410: "the path is gone",
    411: "it wants to know the length of the body",
    412: "the record is not as the call expects",
    413: "the body is too large for it",
    414: "the URL is too long for it",
    415: "it does not take this media type",
    422: "it does not accept the values",
    423: "the record is locked",
    424: "something it depends on failed",
    425: "it will not risk a call that may be replayed",
    426: "it wants another protocol",
    428: "it wants to be told the expected version; declare version=",
    429: "it was called too often",
    431: "the headers are too large for it",
    451: "it may not answer for legal reasons",
    500: "something went wrong there",
    501: "it cannot do this",
    502: "a gateway got no good answer from it",
    503: "it cannot answer now",
    504: "a gateway waited for it in vain",
    505: "it does not speak this version of HTTP",
    507: "it has no room left",
}
"""What a status says of the API, for the message; others are told by their number alone."""

# Kind of error, the sentence, and whether the call may have arrived.
CLIENT_ERRORS: tuple[tuple[type[BaseException], type[StoreError], str, bool], ...] = (
    (aiohttp.ConnectionTimeoutError, StoreTimeout, "no connection came about in time", False),
    (aiohttp.SocketTimeoutError, StoreTimeout, "the answer did not come in time", True),
    (aiohttp.ServerTimeoutError, StoreTimeout, "the answer did not come in time", True),
    (aiohttp.ServerFingerprintMismatch, UpstreamError, "its certificate is not the expected one", False),
    (aiohttp.ClientConnectorCertificateError, UpstreamError, "its certificate cannot be verified", False),
    (aiohttp.ClientConnectorSSLError, StoreUnavailable, "no encrypted connection came about", False),
    (aiohttp.ClientConnectorDNSError, StoreUnavailable, "its host name is not known", False),
    (aiohttp.ClientConnectorError, StoreUnavailable, "it cannot be reached", False),
    (aiohttp.ClientHttpProxyError, StoreUnavailable, "the proxy on the way refused", False),
    (aiohttp.WSServerHandshakeError, UpstreamError, "it speaks another protocol", False),
    (aiohttp.ContentTypeError, UpstreamError, "its answer is of an unknown type", True),
    (aiohttp.TooManyRedirects, UpstreamError, "it redirects without end", False),
    (aiohttp.ClientResponseError, StoreUnavailable, "its answer is not HTTP", True),
    (aiohttp.ClientPayloadError, StoreUnavailable, "its answer broke off", True),
    (aiohttp.InvalidURL, UpstreamError, "the URL is not valid", False),
    (aiohttp.NonHttpUrlClientError, UpstreamError, "the URL is not one of HTTP", False),
    (aiohttp.RedirectClientError, UpstreamError, "it redirects to no place of HTTP", False),
    (aiohttp.ServerDisconnectedError, StoreUnavailable, "it closed the connection without an answer", True),
    (aiohttp.ClientConnectionError, StoreUnavailable, "the connection was lost", True),
    (aiohttp.ClientError, StoreUnavailable, "the call failed", True),
    (TimeoutError, StoreTimeout, "the answer did not come in time", True),
    (OSError, StoreUnavailable, "the connection was lost", True),
)
"""What each error of the driver is here; the first that fits counts, and the last ones leave nothing out."""


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """The reasons of an API for a refusal: ``reasons`` by the text at ``reason_at``, and the fields at ``fields_at``.

    The text is looked for as a whole and from its last ``/`` or ``:`` on. The reasons themselves are always known, as
    the problem documents (RFC 9457) of Holdall have them: ``urn:holdall:unique``.

    >>> from holdall.stores.rest import RestCollection
    >>> refusals = Refusals(reason_at="error.code", reasons={"taken": "unique"})
    >>> RestCollection(path="/books/{id}", refusals=refusals).refusals.reason_at
    'error.code'
    """

    reason_at: str = "type"
    reasons: Mapping[str, Reason] = {}
    fields_at: str = "errors.path"


def from_client(store: str, place: str, error: BaseException, *, is_write: bool) -> tuple[StoreError, bool]:
    """Our error for a driver's, and whether the call may have arrived."""
    kind, sentence, may_have_arrived = next(entry[1:] for entry in CLIENT_ERRORS if isinstance(error, entry[0]))
    if issubclass(kind, StoreTimeout | StoreUnavailable):
        found: StoreError = kind(store, f"{place}: {sentence}", is_outcome_unknown=is_write and may_have_arrived)
    elif may_have_arrived and is_write:
        found = unknown(store, place, sentence)
    else:
        found = kind(store, f"{place}: {sentence}")
    return found, may_have_arrived


def from_status(store: str, place: str, status: int, *, is_write: bool) -> StoreError:
    """Our error for an answer that is none of those the verb itself understands."""
    sentence = f"{place}: answered {status}" + (f", {STATUSES[status]}" if status in STATUSES else "")
    if is_write and status in _LEADS_ON:
        return unknown(store, place, f"answered {status}, which leads on to another page as if it was done")
    may_have_acted = is_write and status >= 500 and status not in (501, 505, 507)
    if status in (408, 504):
        return StoreTimeout(store, sentence, is_outcome_unknown=may_have_acted)
    if status == 507:
        return StoreFull(store, sentence)
    if status >= 500 or status in PASSING:
        return StoreUnavailable(store, sentence, is_outcome_unknown=may_have_acted)
    return UpstreamError(store, sentence)


def unknown(store: str, place: str, sentence: str) -> StoreUnavailable:
    """Make the error for a write whose outcome nobody knows."""
    return StoreUnavailable(store, f"{place}: {sentence}", is_outcome_unknown=True)


def refusal_of(
    store: str, refusals: Refusals, schema: Schema, change: Change, status: int, body: bytes
) -> Conflict | None:
    """Return the conflict that a 409 or 412 is, and a 422 where the API names one; else None."""
    reason, fields = _told(refusals, schema, body)
    name, key = schema.name, change.key
    if reason is None and status == 422:
        return None
    reason = reason or _guessed(schema, change, status)
    if reason == "exists":
        return AlreadyExists(store, name, schema.key)
    if reason == "unique":
        return UniqueViolation(store, name, fields)
    if reason == "reference":
        return ReferenceViolation(store, name, fields)
    if reason == "stale":
        return StaleVersion(store, name, key)
    return Conflict(store, f"the API refused to {change.verb} this {name}: it does not go together with what it holds")


def _guessed(schema: Schema, change: Change, status: int) -> Reason:
    if change.verb is Verb.ADD:
        return "exists" if change.key is not None and not schema.unique else "unique" if schema.unique else "conflict"
    return "stale" if status == 412 or change.version is not None else "conflict"


def _told(refusals: Refusals, schema: Schema, body: bytes) -> tuple[Reason | None, tuple[str, ...]]:
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None, ()
    texts = _texts_at(document, refusals.reason_at)
    known: dict[str, Reason] = {**_REASONS, **refusals.reasons}
    reason = next((known[form] for text in texts for form in _forms(text) if form in known), None)
    fields = tuple(text for text in _texts_at(document, refusals.fields_at) if text in schema.by_name)
    return reason, fields


def _forms(text: str) -> tuple[str, str]:
    return text, text.replace(":", "/").rpartition("/")[2]


def _texts_at(document: object, place: str) -> list[str]:
    """The texts at a dotted place, through lists."""
    found = [document]
    for name in steps(place):
        found = [part[name] for item in found for part in (item if isinstance(item, list) else [item])
                 if isinstance(part, dict) and name in part]  # fmt: skip
    return [item for item in found if isinstance(item, str)]
