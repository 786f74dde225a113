"""The application: what a team declares and opens sessions on."""

from holdall.app.holdall import Holdall
from holdall.app.sync import SyncHoldall, SyncSession

__all__ = ["Holdall", "SyncHoldall", "SyncSession"]
