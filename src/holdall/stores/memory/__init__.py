"""The memory store: the reference for what a store does, and the double for tests."""

from holdall.stores.memory.preparing import PreparingMemory
from holdall.stores.memory.records import MemoryRecords
from holdall.stores.memory.store import MemoryStore, open_memory

__all__ = ["MemoryRecords", "MemoryStore", "PreparingMemory", "open_memory"]
