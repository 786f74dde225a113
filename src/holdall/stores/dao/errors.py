"""What the errors of hand-written code mean for the change they interrupted."""

from __future__ import annotations

from typing import Any

from holdall.errors import HoldallError, StoreError, StoreTimeout, StoreUnavailable
from holdall.stores.dao.dao import DAO

__all__ = ["as_store_error"]


def as_store_error(store: str, dao: DAO[Any], method: str, error: Exception) -> HoldallError:
    """The error to raise in its place, ``from`` it.

    Holdall's own pass as they are, those the DAO declares as ``refusals`` say that nothing was written. After anything
    else nobody knows: an answer that could not be read came from a call that was made.
    """
    if isinstance(error, HoldallError):
        return error
    told = f"{type(dao).__name__}.{method} raised {type(error).__name__}: {error}"
    if isinstance(error, dao.refusals):
        return StoreError(store, told)
    if isinstance(error, TimeoutError):
        return StoreTimeout(store, told, is_outcome_unknown=True)
    return StoreUnavailable(store, told, is_outcome_unknown=True)
