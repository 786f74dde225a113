"""The application: what a team declares and opens sessions on."""

from holdall.app.collecting_files import CollectedFiles, LostFile
from holdall.app.contexts import Contexts
from holdall.app.findings import Finding, FsckProgress, FsckReport
from holdall.app.health import Health, StoreHealth, StoreState
from holdall.app.holdall import Holdall
from holdall.app.jobs import JobFailure, JobReport, Jobs
from holdall.app.migrating import MigrationFailure, MigrationReport, MigrationSample
from holdall.app.moving import Loss, MoveReport
from holdall.app.observed import Observed
from holdall.app.revising import Revising
from holdall.app.sync import SyncHoldall
from holdall.app.sync_contexts import SyncContexts
from holdall.app.sync_recovery import SyncRecovery
from holdall.app.transfer import ImportFailure, ImportReport
from holdall.session import SyncSession

__all__ = [
    "CollectedFiles",
    "Contexts",
    "Finding",
    "FsckProgress",
    "FsckReport",
    "Health",
    "Holdall",
    "ImportFailure",
    "ImportReport",
    "JobFailure",
    "JobReport",
    "Jobs",
    "Loss",
    "LostFile",
    "MigrationFailure",
    "MigrationReport",
    "MigrationSample",
    "MoveReport",
    "Observed",
    "Revising",
    "StoreHealth",
    "StoreState",
    "SyncContexts",
    "SyncHoldall",
    "SyncRecovery",
    "SyncSession",
]
