"""The file stores that come with Holdall: a folder, memory, the record itself, object stores, and work beside cold."""

from holdall.files.stores.inside import InsideFiles
from holdall.files.stores.local import LocalFiles
from holdall.files.stores.memory import MemoryFiles
from holdall.files.stores.tiered import TieredFiles

__all__ = ["InsideFiles", "LocalFiles", "MemoryFiles", "TieredFiles"]
