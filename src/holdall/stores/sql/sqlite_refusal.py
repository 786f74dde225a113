"""The meaning of an error of apsw, and the file that the error concerns."""

from __future__ import annotations

import errno
import os
import re

import apsw

from holdall.errors import CorruptRecord, HoldallError, StoreError, StoreFull, StoreUnavailable
from holdall.stores.sql.absent import absent
from holdall.stores.sql.errors import SQLITE, Meaning, error_of

__all__ = ["refusal_of"]

_NAMED = re.compile(r".*(?:CHECK|NOT NULL) constraint failed: (.+)|.*cannot store \w+ value in \w+ column (\S+)")

_TOO_MANY = "this process has too many files open: close some, or raise its limit (ulimit -n), and repeat"
_SYSTEM = {errno.EMFILE: _TOO_MANY, errno.ENFILE: "the system has too many files open; repeat"}


def refusal_of(
    store: str,
    path: str | None,
    error: BaseException | None,
    collection: str | None = None,
    position: int | None = None,
) -> HoldallError:
    """Our error for one of apsw's or of Python's; what is wrong with the file is told with its path.

    ``collection`` says that a change, not a query, met it.
    """
    name = type(error).__name__
    if isinstance(error, OSError):
        reason = _SYSTEM.get(error.errno or 0, f"the system refuses it ({error.strerror})")
        return StoreUnavailable(store, reason if path is None else f"file {path!r}: {reason}")
    if isinstance(error, apsw.SQLError) and (missing := absent(store, name, str(error))) is not None:
        return missing
    if path is not None and (told := _unusable(path, error)) is not None:
        kind = StoreError if isinstance(error, apsw.ReadOnlyError) else StoreUnavailable
        return kind(store, f"file {path!r}: {told}")
    meaning = SQLITE[name] if isinstance(error, apsw.Error) else Meaning.VALUE
    found = _NAMED.match(str(error)) if meaning is Meaning.RULE else None
    named = found[1] or found[2] if found is not None else None
    if path is None:
        return error_of(meaning, store, name, collection, position, named)
    message = f"file {path!r}: {meaning.value.format(name)}"
    match meaning:
        case Meaning.CORRUPT:
            return CorruptRecord(store, f"file {path!r}", f"it is damaged, or no SQLite database ({name})")
        case Meaning.FULL:
            return StoreFull(store, message)
        case Meaning.UNAVAILABLE:
            return StoreUnavailable(store, message)
        case Meaning.DENIED:
            return StoreError(store, message)
    return error_of(meaning, store, name, collection, position, named)


def _unusable(path: str, error: BaseException | None) -> str | None:
    """The reason why a file cannot be opened, written or read, where the system says it, and the remedy."""
    folder = os.path.dirname(path) or "."
    if isinstance(error, apsw.CantOpenError):
        if not os.path.isdir(folder):
            return f"there is no folder {folder!r}; make it first"
        if os.path.isdir(path):
            return "a folder lies there; name a file"
        if not os.access(path, os.R_OK) if os.path.exists(path) else not os.access(folder, os.W_OK):
            return "this program may not read or make it; give it rights to the file and its folder"
        return _TOO_MANY if _has_no_descriptor() else None
    if isinstance(error, apsw.ReadOnlyError) and not (os.access(path, os.W_OK) and os.access(folder, os.W_OK)):
        return (
            "this program may not write to it or to its folder, where its log lies; give it rights to both, which"
            " readers need as well"
        )
    if isinstance(error, apsw.IOError):
        code: int = error.extendedresult  # type: ignore[attr-defined]  # the stubs of apsw lack it
        named = apsw.mapping_extended_result_codes.get(code, "SQLITE_IOERR")
        return f"the disk failed ({named}); look at it, at quotas and at the bounds of files (ulimit -f), and repeat"
    return None


def _has_no_descriptor() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in _SYSTEM
    return False
