"""The parts of jobs: made by ranges of keys, taken by one worker each, and found again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from holdall.app.jobs.declared_job import DeclaredJob
from holdall.app.jobs.key_range import key_of, keys_in, text_of
from holdall.app.jobs.notes import Notes, is_free, sign
from holdall.errors import CommitAborted, NotFound
from holdall.query import AnyQuery, Compare, Condition, Op, Query, SortKey, Value
from holdall.session import Binding, Bindings, Session

__all__ = ["Parts"]

_POLL = 0.5  # seconds between looks at what others work on
_AT_ONCE = 100  # parts noted in one commit
_LOOKED_AT = 500  # parts that are not done, of which one that is free is taken


class Parts(msgspec.Struct, frozen=True):
    """Makes and takes parts for one run, by the notes of all."""

    bindings: Bindings
    notes: Notes
    named: Callable[[str], DeclaredJob]
    run: str

    async def job(self, session: Session, job: str) -> Value:
        """The note of a job. Raises NotFound."""
        note = await session.get(self.notes.job, job)
        if note is None:
            raise NotFound("job", job)
        return note

    async def of(self, session: Session, job: str, *, most: int | None = None) -> list[Value]:
        """The parts of a job in order; with ``most``, that number of those that are not done."""
        condition: Condition = Compare(("job",), Op.EQ, job)
        if most is not None:
            condition = condition & Compare(("is_done",), Op.EQ, False)
        collection = self.bindings.of_model(self.notes.part).collection
        query: AnyQuery = Query(collection, condition, (SortKey(("id",)),), most, model=self.notes.part)
        return await session.query(query)

    async def move(self, job: str, state: str, *, unless: Iterable[str]) -> None:
        """Bring a job into another state, unless it is in one of these."""
        kept = tuple(unless)
        while True:
            async with Session(self.bindings) as session:
                note = await self.job(session, job)
                if note.state in kept:
                    return
                note.state = state
                try:
                    await session.commit()
                except CommitAborted as error:
                    session.rollback()
                    if error.is_retryable:
                        continue
                    raise
                return

    async def planned(self, job: str) -> Value:
        """The note of a job that is divided into parts. One run divides it, by a lease; others wait for that."""
        while True:
            async with Session(self.bindings) as session:
                note = await self.job(session, job)
                if note.state != "planning":
                    return note
                is_taken = is_free(note)
                if is_taken:
                    sign(note, self.run)
                    try:
                        await session.commit()
                    except CommitAborted:
                        session.rollback()
                        continue
            if is_taken:
                await self._divide(job, note.name, note.planned)
            else:
                await asyncio.sleep(_POLL)

    async def _divide(self, job: str, name: str, start: str) -> None:
        declared = self.named(name)
        binding: Binding = self.bindings.of_query(declared.over)
        after, made = start, list[tuple[str, str]]()
        first = key_of(binding, start)
        async for keys in keys_in(self.bindings, binding, declared.over.condition, first, None, declared.part, []):
            made.append((after, text_of(keys[-1])))
            after = made[-1][1]
            if len(made) == _AT_ONCE:
                await self._note(job, made, is_last=False)
                made = []
        await self._note(job, made, is_last=True)

    async def _note(self, job: str, made: list[tuple[str, str]], *, is_last: bool) -> None:
        async with Session(self.bindings) as session:
            note = await self.job(session, job)
            if note.state != "planning" or not note.owner.endswith(f" {self.run}"):
                return
            sign(note, self.run)
            for number, (begin, end) in enumerate(made, note.parts):
                session.add(self.notes.part(id=f"{job}-{number:07d}", job=job, after=begin, last=end))
            note.parts += len(made)
            note.planned = made[-1][1] if made else note.planned
            if is_last:
                note.state, note.owner = "running", ""
            await session.commit()

    async def take(self, job: str) -> Value:
        """A part to work on, which nobody else has; None once there is none to be done."""
        while True:
            async with Session(self.bindings) as session:
                note = await self.job(session, job)
                left = await self.of(session, job, most=_LOOKED_AT)
            if note.state != "running" or not left:
                return None
            for part in filter(is_free, left):
                taken = await self.claim(part.id)
                if taken is not None:
                    return taken
            await asyncio.sleep(_POLL)

    async def claim(self, part: str) -> Value:
        """The note of a part that is this run's from now on; None where others have it, or it is done."""
        async with Session(self.bindings) as session:
            note: Value = await session.get(self.notes.part, part)
            if note is None or note.is_done or not is_free(note):
                return None
            sign(note, self.run)
            try:
                await session.commit()
            except CommitAborted:
                session.rollback()
                return None
            return note
