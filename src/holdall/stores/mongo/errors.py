"""Driver errors to ours: one table by the name of pymongo's class, one by the server's error code.

The driver's own message may hold values: it stays with ``__cause__`` and never enters ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from holdall.errors import (
    Conflict,
    CorruptRecord,
    FieldError,
    HoldallError,
    LockConflict,
    QueryError,
    SchemaMismatch,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
    ValidationError,
)

__all__ = [
    "CLASSES",
    "CODES",
    "DRIVER_ERRORS",
    "Meaning",
    "Misfit",
    "code_of",
    "error_of",
    "has_label",
    "is_unsure",
    "meaning_of",
    "translating",
    "unstorable",
]


class Misfit(Exception):
    """A value in a document, or given to be written, is not what its field says."""


class Meaning(Enum):
    """The meaning of a driver's error; the value is its sentence, with ``{}`` for the driver's word."""

    UNIQUE = "a record with these values already exists"
    RULE = "a rule of the database refuses this change ({})"
    RETRY = "other work got in the way ({}); nothing was applied"
    VALUE = "the database cannot keep or compare this value ({})"
    SCHEMA = "a collection or index is missing or of another shape ({}); compare with inspect()"
    TIMEOUT = "it did not answer in time ({})"
    UNAVAILABLE = "it cannot be reached ({}); try again"
    FULL = "it has no room left ({}), and nothing was applied; free some space and repeat"
    CORRUPT = "it sent what is no document ({})"
    DENIED = "it does not let us do this ({}); look at the rights of its user"
    NO_TRANSACTIONS = "transactions"
    DEFECT = "it refused the command ({})"


_PLACE = re.compile(r"[\w.\-\[\]:]+:\d+(?=: )")
"""The host and port that pymongo's words begin with."""

_M = Meaning

DRIVER_ERRORS = (PyMongoError, BSONError, UnicodeEncodeError, OverflowError)
"""What pymongo raises, the two last for values that BSON has no form for."""

CLASSES: dict[str, Meaning] = {
    **dict.fromkeys(("ConnectionFailure", "AutoReconnect", "NotPrimaryError"), _M.UNAVAILABLE),
    **dict.fromkeys(("ServerSelectionTimeoutError", "ProtocolError", "CursorNotFound"), _M.UNAVAILABLE),
    "_OperationCancelled": _M.UNAVAILABLE,
    **dict.fromkeys(("NetworkTimeout", "WaitQueueTimeoutError", "ExecutionTimeout", "WTimeoutError"), _M.TIMEOUT),
    **dict.fromkeys(("InvalidDocument", "DocumentTooLarge", "UnicodeEncodeError", "OverflowError"), _M.VALUE),
    **dict.fromkeys(("InvalidStringData", "InvalidId"), _M.VALUE),
    **dict.fromkeys(("BSONError", "InvalidBSON"), _M.CORRUPT),
    "_CertificateError": _M.DENIED,
    "DuplicateKeyError": _M.UNIQUE,
    "CollectionInvalid": _M.SCHEMA,
    **dict.fromkeys(("WriteError", "WriteConcernError", "BulkWriteError", "ClientBulkWriteException"), _M.DEFECT),
    **dict.fromkeys(("PyMongoError", "OperationFailure", "ConfigurationError", "InvalidURI", "InvalidName"), _M.DEFECT),
    **dict.fromkeys(("InvalidOperation", "EncryptionError", "EncryptedCollectionError"), _M.DEFECT),
}  # fmt: skip
"""By the name of pymongo's class, where the server gave no code that is listed below."""

CODES: dict[int, Meaning] = {
    **dict.fromkeys((11000, 11001, 12582), _M.UNIQUE),
    **dict.fromkeys((112, 24, 46, 117, 225, 239, 244, 246, 251, 267, 290, 354), _M.RETRY),
    **dict.fromkeys((50, 89, 202, 262), _M.TIMEOUT),
    **dict.fromkeys((2, 3, 9, 14, 15, 17, 22, 39, 40, 51, 52, 54, 55, 57, 16, 10334, 17280, 17419, 10003), _M.VALUE),
    **dict.fromkeys((26, 27, 48, 67, 68, 85, 86, 166, 197), _M.SCHEMA),
    **dict.fromkeys((121, 166), _M.RULE),
    **dict.fromkeys((11, 13, 18, 31, 33, 8000, 334, 391), _M.DENIED),
    **dict.fromkeys((14031, 12501, 17053, 257, 388), _M.FULL),
    **dict.fromkeys((6, 7, 91, 133, 189, 9001, 10058, 10107, 11600, 11601, 11602, 13435, 13436), _M.UNAVAILABLE),
    **dict.fromkeys((43, 64, 70, 71, 79, 100, 134, 175, 237, 317, 384), _M.UNAVAILABLE),
    **dict.fromkeys((20, 303), _M.NO_TRANSACTIONS),
    **dict.fromkeys((8, 59, 72, 73, 115, 263, 1, 4, 5, 10, 53, 96, 136, 241, 256, 258), _M.DEFECT),
}
"""By the server's error code (MongoDB manual, error codes)."""

# The request may have reached the server before these; with the others it was refused, or never sent.
_UNSURE = {
    "AutoReconnect",
    "NetworkTimeout",
    "ConnectionFailure",
    "ProtocolError",
    "_OperationCancelled",
    "WTimeoutError",
}
_UNSURE_CODES = {50, 64, 79, 89, 91, 100, 189, 202, 262, 11600, 11601, 11602}


def meaning_of(error: BaseException) -> Meaning:
    """Return the meaning of a driver's error; StoreError's for one that no table lists."""
    code = code_of(error)
    if code is not None and code in CODES:
        return CODES[code]
    for kind in type(error).__mro__:
        if kind.__name__ in CLASSES:
            return CLASSES[kind.__name__]
    return Meaning.DEFECT


def code_of(error: BaseException) -> int | None:
    """The server's code for it, of a bulk's first refused or unsure write, if it gave one."""
    if isinstance(error, BulkWriteError):
        for place in ("writeErrors", "writeConcernErrors"):
            for found in (error.details or {}).get(place) or ():
                return int(found.get("code", 0))
    return error.code if isinstance(error, OperationFailure) else None


def has_label(error: BaseException, label: str) -> bool:
    """Whether the server or driver gave the error this label (``TransientTransactionError`` and its like)."""
    return isinstance(error, PyMongoError) and error.has_error_label(label)


def is_unsure(error: BaseException) -> bool:
    """Whether a write that ended so may have taken effect."""
    if has_label(error, "NoWritesPerformed"):
        return False
    return type(error).__name__ in _UNSURE or code_of(error) in _UNSURE_CODES


def error_of(store: str, error: BaseException, *, collection: str = "", is_writing: bool = False) -> HoldallError:
    """Our error for the driver's; a duplicate key is told better by who knows the indexes."""
    meaning, code = meaning_of(error), code_of(error)
    word = type(error).__name__ if not code else f"code {code}"
    if meaning is Meaning.UNAVAILABLE and (place := _PLACE.match(str(error))):
        word = f"at {place[0]}: {word}"
    message = meaning.value.format(word)
    unsure = is_writing and is_unsure(error)
    match meaning:
        case Meaning.UNIQUE | Meaning.RULE:
            return Conflict(store, message)
        case Meaning.RETRY:
            return LockConflict(store, message, collection=collection)
        case Meaning.VALUE:
            return unstorable(collection, "", message) if is_writing else QueryError(message)
        case Meaning.SCHEMA:
            return SchemaMismatch(store, [message])
        case Meaning.TIMEOUT:
            return StoreTimeout(store, message, is_outcome_unknown=unsure)
        case Meaning.FULL:
            return StoreFull(store, message, is_outcome_unknown=unsure)
        case Meaning.UNAVAILABLE:
            return StoreUnavailable(store, message, is_outcome_unknown=unsure)
        case Meaning.CORRUPT:
            return CorruptRecord(store, collection or "an answer", message)
        case Meaning.NO_TRANSACTIONS:
            return Unsupported(
                store, message, "this server has none: run it as a replica set, or give transactions=False"
            )
    return StoreError(store, message)


def unstorable(collection: str, field: str, message: str) -> ValidationError:
    """The refusal of a value before it is sent."""
    return ValidationError(collection, [FieldError(field, "unstorable", message)])


@contextmanager
def translating(store: str, *, collection: str = "", is_writing: bool = False) -> Iterator[None]:
    """Raise the driver's errors of the block as ours."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise error_of(store, error, collection=collection, is_writing=is_writing) from error
