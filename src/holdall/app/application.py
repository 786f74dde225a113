"""The part of an application that the sync facade and the active-record look call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Protocol

from holdall.app.collecting_files import CollectedFiles, LostFile
from holdall.app.findings import FsckReport
from holdall.app.health import Health
from holdall.app.jobs import Jobs
from holdall.app.migrating import Change, MigrationReport
from holdall.app.moving.report import MoveReport
from holdall.app.transfer.report import ImportReport
from holdall.model import Model
from holdall.policy import SYSTEM, Right, User
from holdall.query import AnyQuery, Key
from holdall.service import Registry
from holdall.session import AccessReport, Bindings, Recovery, Session
from holdall.store import Store

__all__ = ["Application", "Sessions"]


class Sessions(Protocol):
    """An application as the active-record look sees it."""

    bindings: Bindings

    @property
    def active_session(self) -> Session | None:
        """The session whose block this task is in, if any."""
        ...

    def activated(self, session: Session, *, auto_add: bool = False) -> AbstractContextManager[None]:
        """Within the block the active-record look acts in this session."""
        ...


class Application(Sessions, Protocol):
    """An application as the sync facade sees it; see ``Holdall`` for each."""

    recovery: Recovery
    registry: Registry

    @property
    def jobs(self) -> Jobs:
        """Long work in parts."""
        ...

    async def start_action(
        self, session: Session, action: object, on: object = None, *, max_affected: int = 1_000
    ) -> str:
        """Note an action as a job."""
        ...

    async def create(self) -> None:
        """Create what the stores lack for the collections."""

    async def drop(self, model: type[Model], *, referring: bool = False) -> list[str]:
        """Drop a collection, and return what was dropped."""
        ...

    async def migrate(
        self,
        model: type[Model],
        change: Change,
        *,
        dry_run: bool = True,
        name: str | None = None,
        ids: Sequence[Key] | None = None,
        batch: int = 500,
        progress: Callable[[MigrationReport], object] | None = None,
        user: User = SYSTEM,
    ) -> MigrationReport:
        """Let a function change all records of a collection, once."""
        ...

    async def move(
        self,
        model: type[Model],
        *,
        to: str,
        dry_run: bool = True,
        accept: Collection[str] = (),
        batch: int = 500,
        progress: Callable[[MoveReport], object] | None = None,
    ) -> MoveReport:
        """Move a collection to another store."""
        ...

    async def cancel_move(self, model: type[Model], *, to: str) -> MoveReport:
        """Stop moving a collection."""
        ...

    async def end_move(self, model: type[Model], *, source: str) -> MoveReport:
        """Drop what a moved collection has left."""
        ...

    async def export_records(
        self,
        meant: type[Model] | AnyQuery,
        path: Path | str,
        *,
        form: str | None = None,
        columns: Sequence[str] | None = None,
        user: User = SYSTEM,
        keeps_formulas: bool = False,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Write a collection, or all records of a query, into a file."""
        ...

    async def import_records(
        self,
        model: type[Model],
        path: Path | str,
        *,
        form: str | None = None,
        upsert: bool = False,
        by: Collection[str] = (),
        skip: Collection[str] = (),
        dry_run: bool = False,
        batch: int = 500,
        user: User = SYSTEM,
        keeps_formulas: bool = False,
        progress: Callable[[ImportReport], object] | None = None,
    ) -> ImportReport:
        """Add a record for each line of a file."""
        ...

    async def explain_access(self, user: User, verb: Right | str, record: Model) -> AccessReport:
        """Return whether the user may do that with a record, and why."""
        ...

    async def inspect(self) -> dict[str, list[str]]:
        """How each store's content differs from the models."""
        ...

    async def accepted(self) -> dict[str, list[str]]:
        """The differences that are there, and that ``add(accept=...)`` takes."""
        ...

    async def obstacles(self) -> dict[str, list[str]]:
        """As ``inspect``, without what concerns single records where the store can tell them apart."""
        ...

    async def verify(self) -> None:
        """Raise SchemaMismatch for the first store whose content does not fit the models."""

    def passed_over(self) -> dict[str, list[str]]:
        """By store, the parts that the last ``inspect`` did not look at."""
        ...

    async def durability(self) -> dict[str, str]:
        """By store, a sentence that says what its own settings do not promise of a write."""
        ...

    def observe(
        self, *, echo: bool = False, log_values: bool = False, slow_query: float | None = None, telemetry: bool = False
    ) -> None:
        """Show what stores and sessions do from now on."""

    def replaced(self, store: str | Store | Mapping[str, str | Store]) -> AbstractAsyncContextManager[object]:
        """Within the block, keep collections in other stores."""
        ...

    async def health(self, *, timeout: float = 2.0) -> Health:  # noqa: ASYNC109
        """Ask all stores at once for a sign of life."""
        ...

    async def start(self, *, every: float = 30.0) -> None:
        """Finish what earlier commits left behind, now and every ``every`` seconds, until ``close``."""

    async def fsck(self, *, repair: bool = False, batch: int = 1_000, start: str | None = None) -> FsckReport:
        """Look through all stores for references that do not hold; with ``repair``, set right what can be."""
        ...

    async def collect_files(self, *, grace: float = 3_600.0, dry_run: bool = False) -> list[CollectedFiles]:
        """Delete the contents of files to which no record refers."""
        ...

    async def check_files(self) -> list[LostFile]:
        """Every record whose file is not there."""
        ...

    async def close(self) -> None:
        """Close the stores."""
