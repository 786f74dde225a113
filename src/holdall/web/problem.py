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
    CheckViolation,
    CommitError,
    CommitPartial,
    CommitPending,
    CommitUnknown,
    Conflict,
    CorruptRecord,
    FieldError,
    FileMissing,
    FrozenError,
    HoldallError,
    LimitExceeded,
    LockConflict,
    NotFound,
    NoThumbnail,
    QueryError,
    ReferenceViolation,
    Refused,
    Reserved,
    StaleVersion,
    StillReferenced,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    UnknownCommand,
    Unsupported,
    UpstreamError,
    ValidationError,
)
from holdall.query import Json
from holdall.web.asgi import Headers, Scope

__all__ = ["Problem", "failure_of", "note_cause", "problem_of"]

_log = logging.getLogger("holdall.web")

_MAX_ERRORS = 100
_MAX_PATH = 200
_SOON = ((b"retry-after", b"1"),)  # seconds


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
        *,
        has_pointers: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers
        self.instance = instance
        self.has_pointers = has_pointers  # paths are also told as JSON Pointers into the body

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
            content["errors"] = [self._told(error) for error in self.errors[:_MAX_ERRORS]]
        return msgspec.json.encode(content)

    def among(self, detail: str, errors: Sequence[FieldError]) -> Problem:
        """The same problem of several parts of a body, each of them told with its place."""
        return type(self)(self.status, self.code, detail, errors, self.headers, has_pointers=True)

    def _told(self, error: FieldError) -> dict[str, Json]:
        told: dict[str, Json] = {"path": _clean(error.path), "code": error.code, "message": _clean(error.message)}
        return told | {"pointer": _pointer(error.path)} if self.has_pointers else told


_MAX_DETAIL = 500
_TOO_SLOW = Problem(504, "timeout", "It took too long to get at the records.")
_UNREACHED = Problem(503, "unavailable", "The records cannot be reached now.", headers=_SOON)


def problem_of(
    error: HoldallError,
    *,
    is_conditional: bool = False,
    is_read: bool = False,
    is_removal: bool = False,
    has_query: bool = False,
) -> Problem | None:
    """The problem an error of ours is to a client; None for one that is our own failure.

    ``is_conditional``: the request named the version it expects. ``is_read``: it changes nothing. ``is_removal``: it
    removes records. ``has_query``: it says which records it wants, and how, so that another request may be answered
    where this one is not.
    """
    match error:
        case CommitError():
            return _of_commit(error, is_conditional=is_conditional, is_removal=is_removal)
        case ValidationError():
            told = "the first breaches are" if error.is_cut else "each breach is"
            return Problem(422, "invalid", f"What was sent breaks rules; {told} listed.", error.errors)
        case FrozenError():
            breach = FieldError(error.field, "frozen", "cannot be set now")
            return Problem(422, "invalid", "What was sent breaks rules; each breach is listed.", [breach])
        case QueryError():
            return Problem(422, "query", "The query cannot be answered as it is written.")
        case LimitExceeded() if error.is_of_store:
            return Problem(507, "full", "The place where this is kept holds as much as it may.")
        case LimitExceeded() if has_query or not is_read:
            return Problem(422, "limit", f"More than {error.maximum} {error.limit}.")
        case NotFound() | UnknownCommand():
            return Problem(404, "not-found", "There is no such record.")
        case NoThumbnail():
            return Problem(422, "no-thumbnail", f"There is no thumbnail of this file: {error.reason}.")
        case Refused() if not is_read:
            return Problem(409, "refused", str(error)[:_MAX_DETAIL])
        case StoreError():
            return _of_store(
                error, is_conditional=is_conditional, is_read=is_read, is_removal=is_removal, has_query=has_query
            )
    return None  # StateError and NotLoaded too: whoever wrote the program called something at the wrong time


def _of_commit(error: CommitError, *, is_conditional: bool, is_removal: bool) -> Problem | None:
    match error:
        case CommitUnknown():
            detail = "It is not known whether the change was made; look before repeating it."
            return Problem(503, "outcome-unknown", detail)
        case CommitPending():
            return Problem(202, "pending", "The change is decided and will be finished; do not repeat it.")
        case CommitPartial():
            detail = "Only a part of the change was made; it is listed for those who run this."
            return Problem(503, "partly-done", detail)
    cause = error.__cause__
    if isinstance(cause, TimeoutError):
        return _TOO_SLOW
    if not isinstance(cause, HoldallError):
        return None
    return problem_of(cause, is_conditional=is_conditional, is_removal=is_removal)


def _of_store(
    error: StoreError, *, is_conditional: bool, is_read: bool, is_removal: bool, has_query: bool
) -> Problem | None:
    match error:
        case Unsupported() if has_query:  # it names what the query names
            detail = f"The place where this is kept does not support {_clean(error.feature)}."
            return Problem(422, "unsupported", detail)
        case Unsupported():
            return Problem(501, "unsupported", "The place where this is kept cannot do what was asked.")
        case Conflict():
            return _UNREACHED if is_read else _of_conflict(error, is_conditional=is_conditional, is_removal=is_removal)
        case CorruptRecord() if error.fields:
            breaches = [FieldError(name, "unreadable", "cannot be read as it is stored") for name in error.fields]
            return Problem(
                500, "unreadable", "What is stored cannot be read; give it new values or remove it.", breaches
            )
        case FileMissing():
            return Problem(500, "missing-content", "The content of this file is lost.")
        case UpstreamError():
            return Problem(502, "upstream", "The service where this is kept gave no answer that can be used.")
        case StoreTimeout():
            return _TOO_SLOW
        case StoreFull() if not is_read:
            return Problem(507, "full", "The place where this is kept has no room left.")
        case StoreUnavailable():
            return _UNREACHED
    return None


def _of_conflict(error: Conflict, *, is_conditional: bool, is_removal: bool) -> Problem:
    match error:
        case StaleVersion():
            detail = "The record was changed by somebody else since it was read; read it again."
            return Problem(412 if is_conditional else 409, "stale", detail)
        case AlreadyExists():
            return Problem(409, "exists", "There is already a record with this key.")
        case UniqueViolation():
            breaches = [FieldError(name, "unique", "is taken by another record") for name in error.fields]
            return Problem(409, "unique", "Another record already has this value.", breaches)
        case CheckViolation():
            breaches = [FieldError(name, "check", "is refused by a rule of the database") for name in error.fields]
            return Problem(422, "invalid", "What was sent breaks a rule of the database.", breaches)
        case ReferenceViolation() if isinstance(error, StillReferenced) or is_removal:
            breaches = [FieldError(name, "reference", "would be left without its target") for name in error.fields]
            return Problem(409, "reference", "A reference would be left without its target.", breaches)
        case ReferenceViolation():
            breaches = [
                FieldError(name, "reference", "refers to a record that does not exist") for name in error.fields
            ]
            return Problem(422, "invalid", "What was sent breaks rules; each breach is listed.", breaches)
        case LockConflict() | Reserved():
            detail = "Somebody else is changing this now; nothing was changed, repeat the request."
            return Problem(409, "busy", detail, headers=_SOON)
    return Problem(409, "conflict", "This does not go together with what is stored.")


_TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
"""The names that RFC 9110 has and Python knows only from 3.13 on."""


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def _clean(text: str) -> str:
    """Short enough to be shown, and text that can be encoded."""
    shown = text if len(text) <= _MAX_PATH else text[:_MAX_PATH] + "…"
    return shown.encode("utf-8", "replace").decode()


def _pointer(path: str) -> str:
    """The JSON Pointer (RFC 6901) of a path."""
    parts = _clean(path).split(".") if path else []
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def note_cause(method: str, place: str, error: HoldallError, problem: Problem) -> None:
    """Write to the log what the problem does not tell: a cause that is not the request's, or what a store cannot do."""
    if problem.status >= 500:
        _log.warning("%s %s: %s", method, place, error)
    elif isinstance(error, Unsupported | LimitExceeded | QueryError):
        _log.info("%s %s: %s", method, place, error)  # it says what to do


def failure_of(scope: Scope, error: Exception) -> Problem:
    """Our own failure: written in full to the log, and to the client only by an id."""
    instance = f"urn:uuid:{uuid4()}"
    _log.error("%s %s failed, %s", scope["method"], scope["path"], instance, exc_info=error)
    return Problem(500, "failure", "Something went wrong here; it is in the log under this id.", instance=instance)
