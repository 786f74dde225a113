"""Writes that are to be refused because others hold what they need, where the server's locks make them wait for that.

All other calls of a suite wait for as long as the store is told to by default: a machine under load, or a server that
tidies its tables up, may hold any lock for a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdall.store import Provisioned, Store
from holdall.testing.conformance.case import Case

__all__ = ["close_impatient", "impatiently", "open_impatient"]


def open_impatient(case: Case, store: Store) -> None:
    """Have writes that must be refused made by this store, which is opened on the same place and gives up soon."""
    store.bind(list(case.schemas.values()))
    if isinstance(store, Provisioned):
        case.run(store.create())
    case.impatient = store


def close_impatient(case: Case) -> None:
    """Close that store, if there is one."""
    if case.impatient is not None:
        case.run(case.impatient.close())


@contextmanager
def impatiently(case: Case) -> Iterator[None]:
    """Let the case call the store that gives up soon, if there is one, until the block ends."""
    patient = case.store
    case.store = case.impatient or patient
    try:
        yield
    finally:
        case.store = patient
