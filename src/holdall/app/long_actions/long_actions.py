"""The actions of an application that are jobs: started for a user, run by any process, shown, cancelled, resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from uuid import uuid4

import msgspec

from holdall.actions import Action, AnyAction, DeclaredAction, On, inputs_of
from holdall.app.acting import ByName
from holdall.app.jobs import JobFailure, JobReport, Jobs
from holdall.app.jobs.key_range import text_of
from holdall.app.jobs.notes import Notes, can_keep_notes, is_free, sign
from holdall.app.jobs.report import MOST_FAILURES
from holdall.app.long_actions.action_notes import ActionNotes
from holdall.app.long_actions.kept_user import is_kept, kept_user
from holdall.app.long_actions.work_on_action import WorkOnAction, parts_of
from holdall.app.long_actions.work_on_request import Answering, WorkOnRequest
from holdall.errors import CommitAborted, DeclarationError, LimitExceeded, NotFound, StateError
from holdall.model import Record
from holdall.policy import User
from holdall.query import ALWAYS, AnyQuery, Compare, Op, Query, SortKey, Value
from holdall.session import Binding, Bindings, Session
from holdall.session.journal.owner import commit_under_way

__all__ = ["LongActions"]

_POLL = 0.5  # seconds between looks at what others work on
_MOST = 10_000  # records that one job is done on
_AT_ONCE = 100  # jobs that are looked at to be taken up

Opened = Callable[[str, User], AbstractAsyncContextManager[Value]]


class LongActions:
    """Actions that are jobs. Each part is one commit, and its end is noted in that.

    Example: ``docs/actions.md``.
    """

    prefix = "act-"

    def __init__(self, bindings: Bindings, jobs: Jobs, by_name: ByName, open_context: Opened) -> None:
        self._bindings = bindings
        self._jobs = jobs
        self._by_name = by_name
        self._open_context = open_context
        self.answering: Answering | None = None  # of a service, for requests that are jobs

    @property
    def can_note(self) -> bool:
        """Whether a store of the application can keep notes with its commits."""
        return can_keep_notes(self._bindings, self._jobs.store)

    # --- started ------------------------------------------------------------------------------------------------------

    async def start(self, session: Session, action: object, on: object, most: int) -> str:
        """Note an action on nothing, a record, several or a query, for the user of a session; return the job's id.

        Raises as ``Session.act`` for what may not be done now.
        """
        if not isinstance(action, Action):
            raise StateError("a job takes an action with its inputs, as Rebuild(depth=3)")
        declared, records = await self._by_name.meant(session, action, on, most)
        return await self.note(session, declared, action, records)

    async def note(
        self, session: Session, declared: DeclaredAction, action: AnyAction, records: Sequence[Record]
    ) -> str:
        """Note an action on these records, and commit that. Raises as ``start``."""
        if declared.result.is_content:
            raise StateError(f"{declared.name} gives a file, which no job keeps: run it at once")
        if len(records) > _MOST:
            raise LimitExceeded(f"{declared.collection} for a job", _MOST, "start several jobs")
        await self._by_name.running.judge(session, declared, action, records)
        notes = await self.notes()
        keys = [text_of(record.__key__()) for record in records]
        inputs, user = inputs_of(action).to_json(), kept_user(session.user)
        found = f"{self.prefix}{uuid4().hex}"
        session.add(
            notes.job(
                id=found, collection=declared.collection, action=declared.name, inputs=inputs, keys=keys, user=user
            )
        )
        await session.commit()
        return found

    async def note_request(self, session: Session, collection: str, method: str, given: str, *, in_one: bool) -> str:
        """Note a request for the user of a session, with all that is ``given`` of it as JSON; return the job's id.

        Written ``in_one`` commit, it is begun again after a crash.
        """
        notes = await self.notes()
        found = f"{self.prefix}{uuid4().hex}"
        keys, user = ["one commit"] if in_one else [], kept_user(session.user)
        session.add(notes.job(id=found, collection=collection, action=method, inputs=given, keys=keys, user=user))
        await session.commit()
        return found

    # --- run ----------------------------------------------------------------------------------------------------------

    async def resume(self, job: str, *, is_wanted: bool = True) -> JobReport:
        """Work on a job until it is over, unless somebody else does, for whom this waits; return its report.

        One that was cancelled goes on, if that ``is_wanted``.
        """
        if is_wanted:
            await self._move(job, "running", unless=("done", "failed", "running"))
        run = uuid4().hex
        with commit_under_way(run):
            note = await self._taken(job, run)
            if note is not None:
                await self._work(note, run)
        return await self.show(job)

    async def left(self) -> list[str]:
        """Return the jobs that are not over, and that nobody works on."""
        notes = await self.notes()
        async with Session(self._bindings) as session:
            asked = self._query(notes.job, Compare(("state",), Op.EQ, "running"), "created_at", _AT_ONCE)
            return [note.id for note in await session.query(asked) if is_free(note)]

    async def _taken(self, job: str, run: str) -> Value:
        """The note of a job that is this run's from now on; None once it is over."""
        notes = await self.notes()
        while True:
            async with Session(self._bindings) as session:
                note = await self._note(session, notes, job)
                if note.state != "running":
                    return None
                if is_free(note):
                    sign(note, run)
                    with suppress(CommitAborted):
                        await session.commit()
                        return note
                    session.rollback()
            await asyncio.sleep(_POLL)

    async def _work(self, note: Value, run: str) -> None:
        notes = await self.notes()
        work: WorkOnAction
        if note.action.isupper():
            if self.answering is None:
                raise StateError(f"job {note.id} is a request, which a service of this application runs")
            work = WorkOnRequest.on(self._bindings, notes, note, run, self.answering)
        else:
            work = self._on_action(notes, note, run)
        state, reason = await work.run_parts()
        if state:
            await self._move(note.id, state, unless=("done", "failed", "cancelled"), reason=reason)

    def _on_action(self, notes: ActionNotes, note: Value, run: str) -> WorkOnAction:
        try:
            declared = self._by_name.actions.named(note.collection, note.action)
        except NotFound as error:
            raise DeclarationError(f"job {note.id}: this application has no action {note.action!r}") from error
        return WorkOnAction(self._bindings, notes, self._by_name.running, declared, note, run, self._open_context)

    # --- shown --------------------------------------------------------------------------------------------------------

    async def latest(self, limit: int) -> list[JobReport]:
        """Report the latest, the newest first; the result of each is left out."""
        notes = await self.notes()
        async with Session(self._bindings) as session:
            asked = self._query(notes.job, ALWAYS, "created_at", limit, descending=True)
            found = await session.query(asked)
            return [await self._report(session, notes, note, is_whole=False) for note in found]

    async def show(self, job: str, user: User | None = None) -> JobReport:
        """Report how far a job is; raises NotFound, for a ``user`` also for those of others."""
        notes = await self.notes()
        async with Session(self._bindings) as session:
            note = await self._note(session, notes, job)
            if user is not None and not is_kept(user, note.user):
                raise NotFound("job", job)
            return await self._report(session, notes, note, is_whole=True)

    async def cancel(self, job: str) -> JobReport:
        """Stop a job: what is under way is undone, parts that are done stay."""
        await self._move(job, "cancelled", unless=("done", "failed", "cancelled"))
        return await self.show(job)

    def _declared(self, note: Value) -> DeclaredAction | None:
        """The action of a job; None for a request, and for an action that this application does not have any more."""
        there = self._by_name.actions.of(note.collection)
        return next((each for each in there if each.name == note.action), None)

    async def _report(self, session: Session, notes: ActionNotes, note: Value, *, is_whole: bool) -> JobReport:
        is_request, declared = note.action.isupper(), self._declared(note)
        done = await session.query(self._query(notes.part, Compare(("job",), Op.EQ, note.id), "id", None))
        failures = [msgspec.convert(each, JobFailure) for part in done for each in part.failures]
        results = [each for part in done for each in part.results] if is_whole else []
        is_each = declared is not None and declared.on is On.EACH
        result = results[0]["result"] if results and (is_request or declared is not None) else None
        names = {part.id for part in done}
        parts = parts_of(declared, note)
        return JobReport(
            note.id,
            f"{note.action} /{note.collection}" if is_request else f"{note.collection}/{note.action}",
            {},
            note.state,
            note.created_at,
            len(parts),
            sum(part.is_done(names) for part in parts),
            sum(part.seen for part in done),
            len(failures),
            {},
            tuple(failures[:MOST_FAILURES]),
            (results if is_whole else None) if is_each else result,
            note.reason,
        )

    # --- notes --------------------------------------------------------------------------------------------------------

    async def notes(self) -> ActionNotes:
        """Return the notes, which are made where there are none."""
        self._bindings.configure()
        notes = ActionNotes.of(self._bindings, Notes.of(self._bindings, self._jobs.store).store)
        await notes.create(self._bindings)
        return notes

    async def _note(self, session: Session, notes: ActionNotes, job: str) -> Value:
        note = await session.get(notes.job, job)
        if note is None:
            raise NotFound("job", job)
        return note

    async def _move(self, job: str, state: str, *, unless: Sequence[str], reason: str = "") -> None:
        notes = await self.notes()
        while True:
            async with Session(self._bindings) as session:
                note = await self._note(session, notes, job)
                if note.state in unless:
                    return
                note.state, note.reason = state, reason
                if state in ("done", "failed"):
                    note.owner, note.inputs = "", ""
                try:
                    await session.commit()
                except CommitAborted as error:
                    session.rollback()
                    if not error.is_retryable:
                        raise
                else:
                    return

    def _query(
        self, model: Value, condition: Value, sort: str, limit: int | None, *, descending: bool = False
    ) -> AnyQuery:
        binding: Binding = self._bindings.of_model(model)
        keys = (SortKey((sort,), descending=descending),)
        return Query(binding.collection, condition, keys, limit, model=model)
