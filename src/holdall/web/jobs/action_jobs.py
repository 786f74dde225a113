"""Actions that requests start as jobs: accepted with the place of their report, and run behind the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from holdall.actions import DeclaredAction, made_of
from holdall.app import Holdall, JobReport
from holdall.errors import HoldallError, NotFound
from holdall.model import Record
from holdall.policy import User
from holdall.query import Json
from holdall.session import Session
from holdall.session.cancelling import still_running
from holdall.web.asgi import Scope, address_of_root
from holdall.web.preferences import Preferences
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply

__all__ = ["JOBS", "ActionJobs"]

_log = logging.getLogger("holdall.web")

JOBS = "_jobs"
"""The first part of the paths of reports."""

_AT_ONCE = 4  # jobs that one process runs
_EVERY = 5.0  # seconds between looks for jobs that others left
_ABSENT = Problem(404, "not-found", "There is no such job.")


class ActionJobs:
    """Starts and runs the actions of one application that are jobs.

    Example: ``docs/actions.md``.
    """

    def __init__(self, app: Holdall) -> None:
        self._app = app
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._woken: asyncio.Event | None = None

    # --- for requests -------------------------------------------------------------------------------------------------

    def takes(self, declared: DeclaredAction) -> bool:
        """Whether an action can be a job: it gives no file, and a store can keep notes with its commits."""
        return not declared.result.is_content and self.can_note

    async def accepted(
        self,
        scope: Scope,
        session: Session,
        declared: DeclaredAction,
        inputs: Record,
        records: Sequence[Record],
        preferences: Preferences,
    ) -> Reply:
        """Note the action on these records for the user of the session: 202, with the place of the report (RFC 9110,
        section 15.3.3).
        """
        job = await self._app.long_actions.note(session, declared, made_of(declared.kind, inputs), records)
        return await self._begun(scope, job, preferences)

    @property
    def can_note(self) -> bool:
        """Whether a store can keep notes with its commits."""
        return self._app.long_actions.can_note

    async def accepted_request(
        self,
        scope: Scope,
        session: Session,
        collection: str,
        method: str,
        given: str,
        preferences: Preferences,
        *,
        in_one: bool,
    ) -> Reply:
        """Note a request for the user of the session: 202, as for an action."""
        job = await self._app.long_actions.note_request(session, collection, method, given, in_one=in_one)
        return await self._begun(scope, job, preferences)

    async def _begun(self, scope: Scope, job: str, preferences: Preferences) -> Reply:
        report = await self._app.long_actions.show(job)
        self.wake()
        place = f"{address_of_root(scope)}/{JOBS}/{job}"
        return json_reply(202, _shown(report), (b"location", place.encode()), *preferences.headers)

    async def report(self, user: User, job: str, *, is_cancelled: bool = False) -> Reply:
        """Report on a job of this user, after it was cancelled if that is wanted. Raises Problem (404)."""
        actions = self._app.long_actions
        if not actions.can_note or not job.startswith(actions.prefix):
            raise _ABSENT
        try:
            found = await actions.show(job, user)
        except NotFound:
            raise _ABSENT from None
        if is_cancelled:
            found = await actions.cancel(job)
        later = [(b"retry-after", b"1")] if found.state == "running" else []
        return json_reply(200, _shown(found), *later)

    # --- behind them --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run what was left, if an action is declared as a job; without one, nothing is looked at."""
        if any(each.kind.__as_job__ for each in self._app.by_name.actions.all):
            self.wake()

    def wake(self) -> None:
        """Run jobs that nobody runs, from now on until the service ends."""
        if self._woken is None or self._looking is None or self._looking.done():
            self._woken = asyncio.Event()
            self._looking = asyncio.create_task(self._look())
        self._woken.set()

    async def stop(self) -> None:
        """Stop all that runs in this process; others, and the next start, take it up.

        A job that goes on in spite of that is logged, and not waited for.
        """
        jobs = dict(self._tasks)
        running = await still_running([*jobs.values(), *([self._looking] if self._looking is not None else [])])
        for job, task in jobs.items():
            if task in running:
                _log.error("job %s goes on although it was cancelled; it is taken up again", job)
        self._tasks.clear()
        self._looking = self._woken = None

    async def _look(self) -> None:
        assert self._woken is not None
        while True:
            self._woken.clear()
            try:
                for job in await self._app.long_actions.left():
                    if len(self._tasks) < _AT_ONCE and job not in self._tasks:
                        self._tasks[job] = asyncio.create_task(self._run(job))
            except HoldallError as error:
                _log.warning("jobs cannot be looked for: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._woken.wait()

    async def _run(self, job: str) -> None:
        try:
            await self._app.long_actions.resume(job, is_wanted=False)
        except HoldallError as error:
            _log.warning("job %s ended before it was done: %s", job, error)
        finally:
            self._tasks.pop(job, None)
            if self._woken is not None:
                self._woken.set()


def _shown(report: JobReport) -> bytes:
    """A report as JSON."""
    told: dict[str, Json] = {
        "id": report.id,
        "action": report.name,
        "state": report.state,
        "created": report.created_at.isoformat(),
        "parts": report.parts,
        "parts_done": report.parts_done,
        "seen": report.seen,
        "failed": report.failed,
        "failures": [{"key": each.key, "reason": each.reason} for each in report.failures],
        "result": report.result,
        "reason": report.reason,
    }
    return msgspec.json.encode(told)
