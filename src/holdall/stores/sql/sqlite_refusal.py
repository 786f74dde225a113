"""The meaning of an error of apsw, and the file that the error concerns."""

from __future__ import annotations

import os
import re

import apsw

from holdall.errors import CorruptRecord, HoldallError, StoreError, StoreUnavailable
from holdall.stores.sql.absent import absent
from holdall.stores.sql.errors import SQLITE, Meaning, error_of

__all__ = ["refusal_of"]

_NAMED = re.compile(r".*(?:CHECK|NOT NULL) constraint failed: (.+)|.*cannot store \w+ value in \w+ column (\S+)")


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
    if isinstance(error, apsw.SQLError) and (missing := absent(store, name, str(error))) is not None:
        return missing
    if path is not None and isinstance(error, apsw.CantOpenError) and not os.path.isdir(os.path.dirname(path) or "."):
        return StoreUnavailable(store, f"file {path!r}: there is no folder {os.path.dirname(path)!r}; make it first")
    meaning = SQLITE[name] if isinstance(error, apsw.Error) else Meaning.VALUE
    found = _NAMED.match(str(error)) if meaning is Meaning.RULE else None
    named = found[1] or found[2] if found is not None else None
    if path is None:
        return error_of(meaning, store, name, collection, position, named)
    message = f"file {path!r}: {meaning.value.format(name)}"
    match meaning:
        case Meaning.CORRUPT:
            return CorruptRecord(store, f"file {path!r}", f"it is damaged, or no SQLite database ({name})")
        case Meaning.UNAVAILABLE | Meaning.FULL:
            return StoreUnavailable(store, message)
        case Meaning.DENIED:
            return StoreError(store, message)
    return error_of(meaning, store, name, collection, position, named)
