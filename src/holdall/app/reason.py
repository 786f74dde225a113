"""The reason for which a record stays as it was: told to operators and kept in notes, without values of records."""

from __future__ import annotations

import traceback
from pathlib import Path

from holdall.errors import CommitAborted, HoldallError
from holdall.session.journal.packing import storable

__all__ = ["reason_of"]


def reason_of(error: BaseException) -> str:
    """The reason, or that below a commit's; errors of a function are named with their place, without their text,
    which may be data.
    """
    cause = error.__cause__ if isinstance(error, CommitAborted) and error.__cause__ is not None else error
    if isinstance(cause, HoldallError):
        return storable(str(cause))
    frame = traceback.extract_tb(cause.__traceback__)[-1:]
    return type(cause).__name__ + "".join([f" at {Path(each.filename).name}:{each.lineno}" for each in frame])
