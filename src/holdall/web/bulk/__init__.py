"""Many records in one request: lists of new records, of patches and of keys, and changes of all that a filter means."""

from holdall.web.bulk.bulk import Bulk

__all__ = ["Bulk"]
