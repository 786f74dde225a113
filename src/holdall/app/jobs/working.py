"""One part of a job, worked on: batch by batch, each noted in the commit of what it changes."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import msgspec

from holdall.app.jobs.declared_job import DeclaredJob
from holdall.app.jobs.key_range import key_of, keys_in, text_of
from holdall.app.jobs.notes import Notes, sign
from holdall.app.jobs.report import MOST_FAILURES
from holdall.app.reason import reason_of
from holdall.errors import CommitAborted, CorruptRecord, HoldallError, StateError
from holdall.model import Record
from holdall.query import AnyQuery, Json, Key, Query, Value, both
from holdall.session import Binding, Bindings, Session
from holdall.session.references.key_conditions import chunks, having_keys

__all__ = ["Stopped", "Working"]

_RETRIES = 4
_FIRST_PAUSE = 0.05  # seconds


class Stopped(Exception):
    """The job was cancelled, or the part was taken over."""


class _Refused(Exception):
    """Records of which the function, or their commit, cannot make what it should."""


class Working(msgspec.Struct):
    """Works on one part for one run."""

    bindings: Bindings
    notes: Notes
    job: DeclaredJob
    job_id: str
    inputs: dict[str, Json]
    open_context: Callable[[str], AbstractAsyncContextManager[Value]]
    run: str

    @property
    def binding(self) -> Binding:
        """The collection that it goes over."""
        return self.bindings.of_query(self.job.over)

    async def work(self, part: Value) -> None:
        """Work on a part that was taken, to its end. Raises Stopped."""
        broken: list[CorruptRecord] = []
        after, last = (key_of(self.binding, text) for text in (part.position or part.after, part.last))
        condition = self.job.over.condition
        pages: AsyncIterator[list[Key]] = keys_in(
            self.bindings, self.binding, condition, after, last, self.job.batch, broken
        )
        async for keys in pages:
            for error in broken:
                await self._note_failure(part.id, error.key, f"it cannot be read: {error.reason}")
            broken.clear()
            await self._batch(part.id, keys)
        for error in broken:
            await self._note_failure(part.id, error.key, f"it cannot be read: {error.reason}")
        async with Session(self.bindings) as session:
            note = await self._taken(session, part.id)
            note.is_done = True
            note.owner = ""
            await session.commit()

    async def _batch(self, part: str, keys: list[Key]) -> None:
        """Work on a batch in one commit; where that is refused, on each of its records by itself."""
        reason = "its commit is refused again and again"
        for attempt in range(_RETRIES):
            try:
                await self._commit(part, keys)
            except CommitAborted as error:  # others are not over, and nobody knows yet what they wrote
                if not error.is_retryable:
                    reason = reason_of(error)
                    break
                await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
            except _Refused as error:
                reason = str(error)
                break
            else:
                return
        if len(keys) == 1:
            await self._note_failure(part, keys[0], reason)
            return
        for key in keys:
            await self._batch(part, [key])

    async def _commit(self, part: str, keys: list[Key]) -> None:
        async with self.open_context(f"job {self.job.name} {self.job_id}") as context:
            session: Session = context.session
            try:
                note = await self._taken(session, part)
                records = await self._records(session, keys)
                counts = await self._called(context, records) if records else {}
                note.position = text_of(keys[-1])
                note.seen += len(records)
                known = note.counts
                note.counts = known | {name: known.get(name, 0) + number for name, number in counts.items()}
                try:
                    await session.commit()
                except CommitAborted:
                    raise
                except HoldallError as error:  # before anything was sent
                    raise _Refused(reason_of(error)) from error
            except BaseException:
                session.rollback()
                raise

    async def _records(self, session: Session, keys: list[Key]) -> list[Record]:
        """The records with these keys that still meet the condition, in order."""
        binding, found = self.binding, dict[Key, Record]()
        for part in chunks(binding, keys):
            condition = both(having_keys(binding, part), self.job.over.condition)
            query: AnyQuery = Query(binding.collection, condition, model=binding.model)
            found.update((record.__key__(), record) for record in await session.query(query))
        return [found[key] for key in keys if key in found]

    async def _called(self, context: Value, records: list[Record]) -> dict[str, float]:
        try:
            given = self.job.function(context, records, **self.job.inputs_of(self.inputs))
            counts = await given if inspect.isawaitable(given) else given
        except Exception as error:
            raise _Refused(reason_of(error)) from error
        if counts is None:
            return {}
        is_counting = isinstance(counts, dict) and all(map(_is_number, counts.values()))
        if not is_counting or not all(isinstance(name, str) for name in counts):
            raise StateError(f"job {self.job.name!r} gives None, or numbers by name, to be added up")
        found: dict[str, float] = counts
        return found

    async def _taken(self, session: Session, part: str) -> Value:
        """The note of a part that is still this run's, with its lease renewed."""
        job = await session.get(self.notes.job, self.job_id)
        note: Value = await session.get(self.notes.part, part)
        if job is None or job.state == "cancelled" or note is None or not note.owner.endswith(f" {self.run}"):
            raise Stopped
        sign(note, self.run)
        return note

    async def _note_failure(self, part: str, key: Key, reason: str) -> None:
        async with Session(self.bindings) as session:
            note = await self._taken(session, part)
            note.position = text_of(key) if key is not None else note.position
            note.seen, note.failed = note.seen + 1, note.failed + 1
            if len(note.failures) < MOST_FAILURES:
                shown = ",".join(map(str, key)) if isinstance(key, tuple) else str(key)
                note.failures = [*note.failures, {"key": shown, "reason": reason}]
            await session.commit()


def _is_number(value: Value) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
