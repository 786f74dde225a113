"""The application: what a team declares and opens sessions on."""

from holdall.app.findings import Finding, FsckProgress, FsckReport
from holdall.app.holdall import Holdall
from holdall.app.sync import SyncHoldall
from holdall.app.sync_recovery import SyncRecovery
from holdall.app.sync_session import SyncSession

__all__ = ["Finding", "FsckProgress", "FsckReport", "Holdall", "SyncHoldall", "SyncRecovery", "SyncSession"]
