"""Actions as jobs: noted, run in parts by any process, taken up again after a crash, with a report and a result."""

from holdall.app.long_actions.long_actions import LongActions

__all__ = ["LongActions"]
