"""The meaning of hand-written code's errors for the call that they interrupted."""

from __future__ import annotations

from typing import Any

from holdall.errors import CorruptRecord, HoldallError, StoreError, StoreTimeout, StoreUnavailable
from holdall.store import RecordMethods

__all__ = ["as_read_error", "as_store_error"]

_SESSIONS = "holdall.session."


def as_store_error(store: str, dao: RecordMethods[Any], method: str, error: Exception) -> HoldallError:
    """The error to raise in its place, ``from`` it where it is another.

    A definite no is what the DAO declares as ``refusals``, and a StoreError that the DAO itself raises. After anything
    else nobody knows: an answer that could not be read came from a call that was made.
    """
    if isinstance(error, HoldallError) and (isinstance(error, dao.refusals) or _says_no(error)):
        return error
    told = f"{type(dao).__name__}.{method} raised {type(error).__name__}: {error}"
    if isinstance(error, dao.refusals):
        return StoreError(store, told)
    if isinstance(error, TimeoutError | StoreTimeout):
        return StoreTimeout(store, told, is_outcome_unknown=True)
    return StoreUnavailable(store, told, is_outcome_unknown=True)


def as_read_error(store: str, dao: RecordMethods[Any], error: ConnectionError | TimeoutError) -> StoreError:
    """The error to raise ``from`` this one of ``get``, by which a service tells its clients to come again."""
    told = f"{type(dao).__name__}.get raised {type(error).__name__}: {error}"
    return StoreTimeout(store, told) if isinstance(error, TimeoutError) else StoreUnavailable(store, told)


def _says_no(error: HoldallError) -> bool:
    """Whether the error's kind, and the code that raised it, show that the call had no effect."""
    return isinstance(error, StoreError) and not isinstance(error, CorruptRecord) and not _is_of_a_session(error)


def _is_of_a_session(error: Exception) -> bool:
    """Whether a session raised it to the DAO: what one store says to a read is no answer of another to a call."""
    step = error.__traceback__  # from the DAO's method on, as that is what was called
    while step is not None:
        if str(step.tb_frame.f_globals.get("__name__")).startswith(_SESSIONS):
            return True
        step = step.tb_next
    return False
