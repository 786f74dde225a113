"""The sync facade: the same session and verbs for code that is not async, run on one portal thread."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from holdall.app.application import Application
from holdall.app.collecting_files import CollectedFiles, LostFile
from holdall.app.findings import FsckReport
from holdall.app.health import Health
from holdall.app.migrating import Change, MigrationReport
from holdall.app.repeating import pauses_before
from holdall.app.sync_actions import SyncActions
from holdall.app.sync_contexts import SyncContexts
from holdall.app.sync_jobs import SyncJobs
from holdall.app.sync_moving import SyncMoving
from holdall.app.sync_recovery import SyncRecovery
from holdall.app.transfer.report import ImportReport
from holdall.errors import HoldallError, StateError
from holdall.model import Model
from holdall.policy import SYSTEM, Right, User
from holdall.query import AnyQuery, Key
from holdall.session import AccessReport, PortalCall, Session, Strategy, SyncSession
from holdall.store import Store, keep_for_ever, watch_forks

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

__all__ = ["SyncHoldall"]

R = TypeVar("R")


class SyncHoldall(SyncContexts, SyncMoving, SyncActions):
    """A Holdall's verbs for code that is not async. The portal thread starts with the first call.

    A process that forks keeps its thread; each child starts one of its own. A call that the handler of a signal
    interrupts by an exception is cancelled, as a task is, before the exception goes on.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> with app.sync.session() as session:
    ...     session.add(Book(id=1))
    Book(id=1)
    >>> with app.sync.session() as session:
    ...     session.count(Book.where())
    1
    >>> app.sync.close()
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._registry = app.registry
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._thread = 0  # the identifier of the portal's thread
        watch_forks(self)

    def before_fork(self) -> None:
        """Nothing is in the way of a fork."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Forget the portal: its thread lives in the parent alone, and to end it here would wait for ever."""
        keep_for_ever(self._stack)
        self._lock, self._stack, self._portal = threading.Lock(), ExitStack(), None
        atexit.unregister(self.close)

    def _call(self, function: Callable[[], Awaitable[R]]) -> R:
        with self._lock:
            if self._portal is None:
                from anyio.from_thread import start_blocking_portal  # takes its time, and only the facade needs it

                self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
                self._thread = self._portal.call(threading.get_ident)
                atexit.register(self.close)
            portal = self._portal
        if threading.get_ident() == self._thread:
            raise StateError("the sync facade was called from its own loop; use the async session there")
        return PortalCall(portal, function).result()

    @contextmanager
    def session(
        self, user: User = SYSTEM, *, auto_add: bool = False, strategy: Strategy = Strategy.INTERRUPT_ON_ERROR
    ) -> Iterator[SyncSession]:
        """A session for a user: leaving the block commits, an exception rolls back."""
        moves = self._app.bindings.moves
        if moves is not None and moves.is_due:
            self._call(moves.look)
        session = Session(self._app.bindings, user, strategy=strategy)
        with self._app.activated(session, auto_add=auto_add):
            try:
                yield SyncSession(session, self._call)
            except BaseException as error:
                failure = error
                self._call(lambda: session.__aexit__(type(failure), failure, None))
                raise
            self._call(lambda: session.__aexit__(None, None, None))

    def run(self, work: Callable[[SyncSession], R], user: User = SYSTEM, *, retries: int = 3) -> R:
        """Do the work in a session and commit, anew up to ``retries`` times where its error says that this may help."""
        pauses = pauses_before(retries)
        while True:
            try:
                with self.session(user) as session:
                    return work(session)
            except HoldallError as error:
                if not error.is_retryable or (pause := next(pauses, None)) is None:
                    raise
            time.sleep(pause)

    def create(self) -> None:
        """Create what the stores lack for the collections."""
        self._call(self._app.create)

    def drop(self, model: type[Model], *, referring: bool = False) -> list[str]:
        """Drop a collection, and return what was dropped; see ``Holdall.drop``."""
        return self._call(lambda: self._app.drop(model, referring=referring))

    def migrate(
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
        """Let a function change all records of a collection, once; see ``Holdall.migrate``."""
        return self._call(
            lambda: self._app.migrate(
                model, change, dry_run=dry_run, name=name, ids=ids, batch=batch, progress=progress, user=user
            )
        )

    def export_records(
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
        """Write a collection, or all records of a query, into a file; see ``Holdall.export_records``."""
        return self._call(
            lambda: self._app.export_records(
                meant,
                path,
                form=form,
                columns=columns,
                user=user,
                keeps_formulas=keeps_formulas,
                progress=progress,
            )
        )

    def import_records(
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
        """Add a record for each line of a file; see ``Holdall.import_records``."""
        return self._call(
            lambda: self._app.import_records(
                model,
                path,
                form=form,
                upsert=upsert,
                by=by,
                skip=skip,
                dry_run=dry_run,
                batch=batch,
                user=user,
                keeps_formulas=keeps_formulas,
                progress=progress,
            )
        )

    def explain_access(self, user: User, verb: Right | str, record: Model) -> AccessReport:
        """Return whether the user may do that with a record, and why; see ``Holdall.explain_access``."""
        return self._call(lambda: self._app.explain_access(user, verb, record))

    def inspect(self) -> dict[str, list[str]]:
        """How each store's content differs from the models."""
        return self._call(self._app.inspect)

    def accepted(self) -> dict[str, list[str]]:
        """The differences that are there, and that ``add(accept=...)`` takes."""
        return self._call(self._app.accepted)

    def obstacles(self) -> dict[str, list[str]]:
        """As ``inspect``, without what concerns single records where the store can distinguish them."""
        return self._call(self._app.obstacles)

    def verify(self) -> None:
        """Raise SchemaMismatch for the first store whose content does not fit the models."""
        self._call(self._app.verify)

    def passed_over(self) -> dict[str, list[str]]:
        """By store, the parts that the last ``inspect`` did not look at."""
        return self._app.passed_over()

    def durability(self) -> dict[str, str]:
        """By store, a sentence that says what its own settings do not promise of a write."""
        return self._call(self._app.durability)

    def observe(
        self, *, echo: bool = False, log_values: bool = False, slow_query: float | None = None, telemetry: bool = False
    ) -> None:
        """Show what stores and sessions do from now on; see ``Holdall.observe``."""
        self._app.observe(echo=echo, log_values=log_values, slow_query=slow_query, telemetry=telemetry)

    @contextmanager
    def replaced(self, store: str | Store | Mapping[str, str | Store]) -> Iterator[SyncHoldall]:
        """Within the block, keep collections in other stores; see ``Holdall.replaced``."""
        block = self._app.replaced(store)
        self._call(block.__aenter__)
        try:
            yield self
        except BaseException as error:
            failure = error
            self._call(lambda: block.__aexit__(type(failure), failure, failure.__traceback__))
            raise
        self._call(lambda: block.__aexit__(None, None, None))

    def health(self, *, timeout: float = 2.0) -> Health:
        """Ask all stores at once for a sign of life."""
        return self._call(lambda: self._app.health(timeout=timeout))

    def start(self, *, every: float = 30.0) -> None:
        """Finish what earlier commits left behind, now and every ``every`` seconds, until ``close``."""
        self._call(lambda: self._app.start(every=every))

    @property
    def recovery(self) -> SyncRecovery:
        """The commits that are not over; see ``Holdall.recovery``."""
        return SyncRecovery(self._app.recovery, self._call)

    @property
    def jobs(self) -> SyncJobs:
        """Long work in parts; see ``Holdall.jobs``."""
        return SyncJobs(self._app.jobs, self._call)

    def fsck(self, *, repair: bool = False, batch: int = 1_000, start: str | None = None) -> FsckReport:
        """Look through all stores for references that do not hold; with ``repair``, set right what can be."""
        return self._call(lambda: self._app.fsck(repair=repair, batch=batch, start=start))

    def collect_files(self, *, grace: float = 3_600.0, dry_run: bool = False) -> list[CollectedFiles]:
        """Delete the contents of files to which no record refers."""
        return self._call(lambda: self._app.collect_files(grace=grace, dry_run=dry_run))

    def check_files(self) -> list[LostFile]:
        """Return every record whose file is not there."""
        return self._call(self._app.check_files)

    def close(self) -> None:
        """Close the stores and end the portal thread; the next call starts anew.

        Raises StateError on the loop of the facade itself.
        """
        with self._lock:
            portal, self._portal = self._portal, None
            if portal is None:
                return
            if threading.get_ident() == self._thread:
                self._portal = portal
                raise StateError("the sync facade was called from its own loop; use the async session there")
            try:
                portal.call(self._app.close)
            finally:
                self._stack.close()
                atexit.unregister(self.close)
