"""Rows that the library keeps with the commits of a program, in hidden collections: where they can lie, and under which
name.
"""

from __future__ import annotations

from holdall.store.capabilities import CommitClass
from holdall.store.contract import Store
from holdall.store.optional import Provisioned

__all__ = ["can_keep_rows", "hidden_name"]


def can_keep_rows(store: Store) -> bool:
    """Return whether a store writes rows of the library together with a commit, and makes the place for them.

    >>> from holdall.stores.memory import open_memory
    >>> can_keep_rows(open_memory("main", "memory:"))
    True
    """
    return store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH) and isinstance(store, Provisioned)


def hidden_name(prefix: str, store: Store) -> str:
    """Return the name of the hidden collection with this prefix in a store.

    >>> from holdall.stores.memory import open_memory
    >>> hidden_name("holdall_outbox", open_memory("main", "memory:"))
    'holdall_outbox_main'
    """
    return f"{prefix}_{store.name if store.name.isidentifier() else store.name.encode().hex()}"
