"""Dropping what a test has made in a store that is used again."""

from __future__ import annotations

from holdall.store import Provisioned, Store

__all__ = ["drop"]


async def drop(store: Store) -> None:
    """Drop all that the store has made for its collections."""
    assert isinstance(store, Provisioned)
    await store.drop()
