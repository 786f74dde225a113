"""The jobs of an application: declared, started, worked on by any number of processes, listed and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from uuid import uuid4

import msgspec

from holdall.app.jobs.declared_job import DeclaredJob
from holdall.app.jobs.long_work import LongWork
from holdall.app.jobs.notes import Notes
from holdall.app.jobs.parts import Parts
from holdall.app.jobs.report import MOST_FAILURES, JobFailure, JobReport
from holdall.app.jobs.working import Stopped, Working
from holdall.errors import DeclarationError, NotFound, StateError
from holdall.query import ALWAYS, AnyQuery, Json, Query, SortKey, Value
from holdall.session import Bindings, Session
from holdall.session.journal.owner import commit_under_way
from holdall.store import Store

__all__ = ["JobFunction", "Jobs"]

JobFunction = Callable[..., Awaitable[dict[str, float] | None] | dict[str, float] | None]
"""Takes a context, a list of records and inputs by name; gives numbers by name to be added up, or None."""


class Jobs:
    """Long work over the records of a collection, in parts by ranges of keys.

    Each batch of a part is one commit, and the note of how far the part has come goes into the same commit: a process
    that dies has done a batch or has not, and the next one takes the part up behind it. Any number of processes may
    run one job at once; each part has one of them, by a lease.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     slug: str = ""
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> @app.job("slugs", over=Book, batch=2, part=4)
    ... async def slugs(context: Context, books: list[Book], *, prefix: str) -> dict[str, float]:
    ...     for book in books:
    ...         book.slug = f"{prefix}-{book.id}"
    ...     return {"changed": len(books)}
    >>> async def example() -> None:
    ...     async with app.session() as session:
    ...         session.add_all([Book(id=number) for number in range(1, 11)])
    ...     job = await app.jobs.start("slugs", prefix="b")
    ...     report = await app.jobs.run(job)
    ...     print(report.state, report.parts, report.seen, report.counts)
    ...     print([each.name for each in await app.jobs.latest()], (await app.jobs.show(job)).is_done)
    >>> import asyncio
    >>> asyncio.run(example())
    done 3 10 {'changed': 10}
    ['slugs'] True
    """

    def __init__(self, bindings: Bindings, open_context: Callable[[str], AbstractAsyncContextManager[Value]]) -> None:
        self._bindings = bindings
        self._open_context = open_context
        self._declared: dict[str, DeclaredJob] = {}
        self.others: list[LongWork] = []  # beside the jobs over records
        self.store: Store | None = None  # which keeps the notes, if one was named

    def add(self, declared: DeclaredJob) -> None:
        """Add a job. Raises DeclarationError for a name that is taken."""
        if declared.name in self._declared:
            raise DeclarationError(f"there is already a job {declared.name!r}")
        self._declared[declared.name] = declared

    @property
    def names(self) -> list[str]:
        """The names of all jobs that were declared. Example: ``docs/jobs.md``."""
        return sorted(self._declared)

    async def start(self, name: str, **inputs: Json) -> str:
        """Note a job with its inputs, to be run, and return its id. Example: :class:`Jobs`.

        Raises NotFound for a name that was not declared, QueryError for inputs that its function does not take.
        """
        declared = self._named(name)
        declared.demand_inputs(inputs)
        binding = self._bindings.of_query(declared.over)
        if binding.record_access is not None or binding.is_keyless or binding.is_read_only:
            raise StateError(f"job {name!r}: records of {binding.collection} are not read and written by key")
        parts, found = await self._parts(), uuid4().hex[:12]
        async with Session(self._bindings) as session:
            session.add(parts.notes.job(id=found, name=name, inputs=inputs))
            await session.commit()
        return found

    async def run(
        self, job: str, *, workers: int = 2, progress: Callable[[JobReport], object] | None = None
    ) -> JobReport:
        """Work on a job until it is done or cancelled, side by side with others, and report. Example: :class:`Jobs`.

        ``workers`` parts are worked on at once; ``progress`` is told after each part. A part that another process works
        on is waited for, and taken over where that process dies. Raises NotFound for a job that is not there.
        """
        if (other := self._other(job)) is not None:
            return await other.resume(job)
        if type(workers) is not int or workers < 1:
            raise StateError("workers is a number above zero")
        parts = await self._parts()
        with commit_under_way(parts.run):
            working = self._working(parts, await parts.planned(job))

            async def work() -> None:
                while (part := await parts.take(job)) is not None:
                    try:
                        await working.work(part)
                    except Stopped:
                        continue
                    if progress is not None:
                        progress(await self.show(job))

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(workers):
                        group.create_task(work())
            except ExceptionGroup as several:
                raise several.exceptions[0] from None
        return await self.settle(job)

    async def plan(self, job: str) -> list[str]:
        """Divide a job into parts, if that is not done yet, and return the ids of those that are left.

        Example: ``docs/jobs.md``.
        """
        parts = await self._parts()
        with commit_under_way(parts.run):
            await parts.planned(job)
        async with Session(self._bindings) as session:
            return [part.id for part in await parts.of(session, job) if not part.is_done]

    async def work_part(self, job: str, part: str) -> None:
        """Work on one part of a job that is planned, unless others do or it is done; for engines that hand parts out.

        Example: ``docs/jobs.md``.
        """
        parts = await self._parts()
        with commit_under_way(parts.run):
            note = await parts.planned(job)
            taken = await parts.claim(part) if note.state == "running" else None
            if taken is not None:
                with suppress(Stopped):
                    await self._working(parts, note).work(taken)

    async def settle(self, job: str) -> JobReport:
        """Note that a job is done once all its parts are, and report. Example: ``docs/jobs.md``."""
        report = await self.show(job)
        if report.state == "running" and report.parts_done == report.parts:
            await (await self._parts()).move(job, "done", unless=("done", "planning", "cancelled"))
            report = await self.show(job)
        return report

    async def show(self, job: str) -> JobReport:
        """Report how far a job is; raises NotFound. Example: :class:`Jobs`."""
        if (other := self._other(job)) is not None:
            return await other.show(job)
        parts = await self._parts()
        async with Session(self._bindings) as session:
            return _report(await parts.job(session, job), await parts.of(session, job))

    async def latest(self, limit: int = 100) -> list[JobReport]:
        """Report the latest jobs, the newest first. Example: :class:`Jobs`."""
        parts = await self._parts()
        model = parts.notes.job
        async with Session(self._bindings) as session:
            sort = (SortKey(("created_at",), descending=True),)
            query: AnyQuery = Query(self._bindings.of_model(model).collection, ALWAYS, sort, limit, model=model)
            found = [_report(note, await parts.of(session, note.id)) for note in await session.query(query)]
        for other in self.others:
            found += await other.latest(limit)
        return sorted(found, key=lambda report: report.created_at, reverse=True)[:limit]

    async def cancel(self, job: str) -> JobReport:
        """Have a job stop after the batches that are under way; ``resume`` goes on. Example: ``docs/jobs.md``."""
        if (other := self._other(job)) is not None:
            return await other.cancel(job)
        await (await self._parts()).move(job, "cancelled", unless=("done", "cancelled"))
        return await self.show(job)

    async def resume(self, job: str, *, workers: int = 2) -> JobReport:
        """Go on with a job that was cancelled, or that a process left behind; as ``run``. Example: ``docs/jobs.md``."""
        if (other := self._other(job)) is not None:
            return await other.resume(job)
        await (await self._parts()).move(job, "planning", unless=("done", "planning", "running"))
        return await self.run(job, workers=workers)

    def _other(self, job: str) -> LongWork | None:
        return next((each for each in self.others if job.startswith(each.prefix)), None)

    def _named(self, name: str) -> DeclaredJob:
        if name not in self._declared:
            raise NotFound("job", name)
        return self._declared[name]

    def _working(self, parts: Parts, note: Value) -> Working:
        declared = self._named(note.name)
        return Working(self._bindings, parts.notes, declared, note.id, note.inputs, self._open_context, parts.run)

    async def _parts(self) -> Parts:
        self._bindings.configure()
        notes = Notes.of(self._bindings, self.store)
        await notes.create(self._bindings)
        return Parts(self._bindings, notes, self._named, uuid4().hex)


def _report(note: Value, parts: list[Value]) -> JobReport:
    counts: dict[str, float] = {}
    for part in parts:
        for name, number in part.counts.items():
            counts[name] = counts.get(name, 0) + number
    failures = [msgspec.convert(each, JobFailure) for part in parts for each in part.failures][:MOST_FAILURES]
    return JobReport(
        note.id,
        note.name,
        note.inputs,
        note.state,
        note.created_at,
        note.parts,
        sum(part.is_done for part in parts),
        sum(part.seen for part in parts),
        sum(part.failed for part in parts),
        counts,
        tuple(failures),
    )
