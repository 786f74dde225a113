"""Driver errors and server replies to ours: one table for each; and the private error that carries a codec's reason.

A server's own message may hold names of keys: it stays with ``__cause__``, except for its first word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

import redis.exceptions as driver

from holdall.errors import (
    Conflict,
    HoldallError,
    SchemaMismatch,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UnknownFormat,
)

__all__ = ["DRIVER", "MISSING", "REPLIES", "Meaning", "Misfit", "from_driver", "unknown_format"]


MISSING = "is missing"
"""Why a value that must be there cannot be read."""


class Misfit(Exception):
    """A value that was read, or is to be written, is not what its field says."""


class Meaning(Enum):
    """The meaning of an error; the value is its sentence, with ``{}`` for the first word of the server's reply."""

    UNAVAILABLE = "it cannot be reached ({}); try again"
    TIMEOUT = "it did not answer in time ({})"
    BUSY = "it is not ready ({}); try again"
    FULL = "it has no memory left ({}), and nothing was applied; raise its maxmemory, or remove something"
    READ_ONLY = "it takes no writes ({}); connect to the primary"
    DENIED = "it does not let us in or do this ({}); look at the user, the password and the rights"
    TYPE = "a key holds something of another type ({}); compare with inspect()"
    CLUSTER = "the cluster cannot take this now ({}); try again"
    SLOTS = "the keys of one call lie in several slots of the cluster ({})"
    CHANGED = "other work got in the way ({}); nothing was applied, try again"
    DEFECT = "it refused the call ({})"


_PLACE = re.compile(r"connecting to (\S+?)\.(?:\s|$)")
"""The host and port in redis-py's words."""

_M = Meaning

REPLIES: dict[str, Meaning] = {
    **dict.fromkeys(("LOADING", "BUSY", "MASTERDOWN", "NOREPLICAS", "MISCONF", "BUSYGROUP", "UNBLOCKED"), _M.BUSY),
    **dict.fromkeys(("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"), _M.CLUSTER),
    **dict.fromkeys(("NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "NOPROTO"), _M.DENIED),
    "OOM": _M.FULL,
    "READONLY": _M.READ_ONLY,
    "WRONGTYPE": _M.TYPE,
    "CROSSSLOT": _M.SLOTS,
    "EXECABORT": _M.CHANGED,
    **dict.fromkeys(("ERR", "NOSCRIPT", "UNKILLABLE", "NOTBUSY", "SYNTAX"), _M.DEFECT),
}
"""By the first word of the server's reply (Redis error prefixes); a word not listed is a DEFECT."""

DRIVER: dict[str, Meaning] = {
    **dict.fromkeys(("ConnectionError", "InvalidResponse", "SlotNotCoveredError"), _M.UNAVAILABLE),
    **dict.fromkeys(("RedisClusterException", "ClusterError"), _M.CLUSTER),
    **dict.fromkeys(("TimeoutError", "MaxConnectionsError"), _M.TIMEOUT),
    **dict.fromkeys(("AuthenticationError", "AuthorizationError", "NoPermissionError"), _M.DENIED),
    **dict.fromkeys(("AuthenticationWrongNumberOfArgsError", "ExternalAuthProviderError"), _M.DENIED),
    **dict.fromkeys(("BusyLoadingError",), _M.BUSY),
    **dict.fromkeys(("AskError", "MovedError", "TryAgainError", "ClusterDownError", "MasterDownError"), _M.CLUSTER),
    **dict.fromkeys(("ClusterCrossSlotError", "CrossSlotTransactionError"), _M.SLOTS),
    "OutOfMemoryError": _M.FULL,
    "ReadOnlyError": _M.READ_ONLY,
    **dict.fromkeys(("WatchError", "ExecAbortError"), _M.CHANGED),
    **dict.fromkeys(("ResponseError", "RedisError", "DataError", "NoScriptError", "ModuleError"), _M.DEFECT),
    **dict.fromkeys(("PubSubError", "LockError", "LockNotOwnedError", "ChildDeadlockedError"), _M.DEFECT),
    **dict.fromkeys(("NoSuchFieldsetError", "InvalidPipelineStack", "IncorrectPolicyType"), _M.DEFECT),
}
"""By the name of redis-py's class; for a ResponseError itself the reply decides."""

_REPLIED = (driver.ResponseError, driver.BusyLoadingError, driver.AuthenticationError, driver.AuthorizationError)
"""The server says no: it has done nothing."""


def from_driver(store: str, error: Exception, *, is_outcome_unknown: bool = False) -> HoldallError:
    """Our error for what the driver raised; ``is_outcome_unknown`` if a change was sent and may have been applied."""
    meaning, word = _meaning(error)
    if meaning is Meaning.UNAVAILABLE and (place := _PLACE.search(str(error))):
        word = f"at {place[1]}: {word}"
    message = meaning.value.format(word)
    is_unknown = is_outcome_unknown and not isinstance(error, _REPLIED)
    match meaning:
        case Meaning.TIMEOUT:
            return StoreTimeout(store, message, is_outcome_unknown=is_unknown)
        case Meaning.FULL:
            return StoreFull(store, message, is_outcome_unknown=is_unknown)
        case Meaning.UNAVAILABLE | Meaning.BUSY | Meaning.CLUSTER | Meaning.READ_ONLY:
            return StoreUnavailable(store, message, is_outcome_unknown=is_unknown)
        case Meaning.TYPE:
            return SchemaMismatch(store, [message])
        case Meaning.CHANGED:
            return Conflict(store, message)
    return StoreError(store, message)


def unknown_format(store: str, reply: Sequence[Any]) -> UnknownFormat:
    """The error for a reply of ``format``, the key that another version wrote, and the numbers found and known."""
    _, key, found, known = reply
    return UnknownFormat(store, key.decode(), found, known)


def _meaning(error: Exception) -> tuple[Meaning, str]:
    if isinstance(error, OSError):  # TimeoutError, ConnectionResetError, ssl.SSLError
        return (_M.TIMEOUT if isinstance(error, TimeoutError) else _M.UNAVAILABLE), type(error).__name__
    name = type(error).__name__
    if name == "ResponseError":
        word = str(error).partition(" ")[0].rstrip(":")
        return REPLIES.get(word, _M.DEFECT), word if word.isupper() else name
    return next((DRIVER[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in DRIVER), _M.DEFECT), name
