"""The memory store: the reference for what a store does, and the double for tests."""

from holdall.stores.memory.store import MemoryStore, open_memory

__all__ = ["MemoryStore", "open_memory"]
