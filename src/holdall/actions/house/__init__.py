"""Actions of the house, for any model: copies, files, moves in lists, and the return or end of deleted records."""

from holdall.actions.house.duplicate import Duplicate
from holdall.actions.house.export import Export
from holdall.actions.house.move import Move
from holdall.actions.house.restore import Purge, Restore

__all__ = ["Duplicate", "Export", "Move", "Purge", "Restore"]
