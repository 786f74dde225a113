"""Problem documents (RFC 9457): what is sent instead of an answer, and which of our errors becomes which of them.

A document never repeats a value that was sent, and reveals nothing of stores, statements or files.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from uuid import uuid4

import msgspec

from holdall.errors import (
    AlreadyExists,
    CommitError,
    CommitPartial,
    CommitPending,
    CommitUnknown,
    Conflict,
    CorruptRecord,
    FieldError,
    FrozenError,
    HoldallError,
    LimitExceeded,
    NotFound,
    QueryError,
    ReferenceViolation,
    StaleVersion,
    StateError,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    Unsupported,
    UpstreamError,
    ValidationError,
)
from holdall.query import Json
from holdall.web.asgi import Headers, Scope

__all__ = ["Problem", "failure_of", "problem_of"]

_log = logging.getLogger("holdall.web")

_MAX_ERRORS = 100
_MAX_PATH = 200
_RETRY_SECONDS = b"1"


class Problem(Exception):
    """An answer that is a problem document. ``code`` becomes its type, ``urn:holdall:<code>``.

    >>> Problem(404, "not_found", "no book with key 1").status
    404
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Headers = (),
        instance: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers
        self.instance = instance

    def document(self) -> bytes:
        """The document as JSON."""
        content: dict[str, Json] = {
            "type": f"urn:holdall:{self.code}",
            "title": _title(self.status),
            "status": self.status,
            "detail": self.detail,
        }
        if self.instance is not None:
            content["instance"] = self.instance
        if self.errors:
            content["errors"] = [
                {"path": _clean(error.path), "code": error.code, "message": _clean(error.message)}
                for error in self.errors[:_MAX_ERRORS]
            ]
        return msgspec.json.encode(content)


def problem_of(error: HoldallError, *, is_conditional: bool = False, is_read: bool = False) -> Problem | None:
    """The problem an error of ours is to a client; None for one that is our own failure.

    ``is_conditional``: the request named the version it expects. ``is_read``: it asked for records.
    """
    if isinstance(error, CommitUnknown):
        return Problem(503, "outcome-unknown", "It is not known whether the change was made; look before repeating it.")
    if isinstance(error, CommitPending):
        return Problem(202, "pending", "The change is decided and will be finished; do not repeat it.")
    if isinstance(error, CommitPartial):
        return Problem(503, "partly-done", "Only a part of the change was made; it is listed for those who run this.")
    if isinstance(error, CommitError):
        cause = error.__cause__
        return problem_of(cause, is_conditional=is_conditional) if isinstance(cause, HoldallError) else None
    match error:
        case ValidationError():
            return Problem(422, "invalid", "What was sent breaks rules; each breach is listed.", error.errors)
        case FrozenError():
            breach = FieldError(error.field, "frozen", "cannot be set now")
            return Problem(422, "invalid", "What was sent breaks rules; each breach is listed.", [breach])
        case QueryError():
            return Problem(422, "query", "The query cannot be answered as it is written.")
        case LimitExceeded():
            return Problem(422, "limit", f"More than {error.maximum} {error.limit}.")
        case NotFound():
            return Problem(404, "not-found", "There is no such record.")
        case Unsupported():
            if is_read:  # it names what the query names
                detail = f"The place where this is kept does not support {_clean(error.feature)}."
                return Problem(422, "unsupported", detail)
            return Problem(501, "unsupported", "The place where this is kept cannot do what was asked.")
        case StaleVersion():
            return Problem(
                412 if is_conditional else 409, "stale", "The record was changed by somebody else since it was read."
            )
        case AlreadyExists():
            return Problem(409, "exists", "There is already a record with this key.")
        case UniqueViolation():
            breaches = [FieldError(name, "unique", "is taken by another record") for name in error.fields]
            return Problem(409, "unique", "Another record already has this value.", breaches)
        case ReferenceViolation():
            breaches = [FieldError(name, "reference", "would be left without its target") for name in error.fields]
            return Problem(409, "reference", "A reference would be left without its target.", breaches)
        case Conflict():
            return Problem(409, "conflict", "This does not go together with what is stored.")
        case StateError():
            return Problem(409, "state", "The record is in a state that does not allow this.")
        case CorruptRecord() if error.fields:
            breaches = [FieldError(name, "unreadable", "cannot be read as it is stored") for name in error.fields]
            return Problem(
                500, "unreadable", "What is stored cannot be read; give it new values or remove it.", breaches
            )
        case UpstreamError():
            return Problem(502, "upstream", "The service where this is kept gave no answer that can be used.")
        case StoreTimeout():
            return Problem(504, "timeout", "It took too long to get at the records.")
        case StoreUnavailable():
            return Problem(
                503, "unavailable", "The records cannot be reached now.", headers=((b"retry-after", _RETRY_SECONDS),)
            )
    return None


_TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
"""The names that RFC 9110 has and Python knows only from 3.13 on."""


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def _clean(text: str) -> str:
    """Short enough to be shown, and text that can be encoded."""
    shown = text if len(text) <= _MAX_PATH else text[:_MAX_PATH] + "…"
    return shown.encode("utf-8", "replace").decode()


def failure_of(scope: Scope, error: Exception) -> Problem:
    """Our own failure: written in full to the log, and to the client only by an id."""
    instance = f"urn:uuid:{uuid4()}"
    _log.error("%s %s failed, %s", scope["method"], scope["path"], instance, exc_info=error)
    return Problem(500, "failure", "Something went wrong here; it is in the log under this id.", instance=instance)
