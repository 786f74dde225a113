"""Actions of the house, for any model: copies and files."""

from holdall.actions.house.duplicate import Duplicate
from holdall.actions.house.export import Export

__all__ = ["Duplicate", "Export"]
