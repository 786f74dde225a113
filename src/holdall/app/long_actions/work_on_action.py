"""One run of an action that is a job: part by part, each one commit with the note of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress

import msgspec

from holdall.actions import DeclaredAction, On, Running, made_of
from holdall.app.jobs.key_range import key_of, text_of
from holdall.app.jobs.notes import LEASE, now, sign
from holdall.app.long_actions.action_notes import ActionNotes
from holdall.app.long_actions.kept_user import user_of
from holdall.app.reason import reason_of
from holdall.errors import AlreadyExists, CommitAborted, LimitExceeded, NotFound
from holdall.model import Model, Record
from holdall.policy import User
from holdall.query import AnyQuery, Compare, Json, Key, Op, Query, Value, both
from holdall.session import Bindings, Guarantee, Session
from holdall.session.references.key_conditions import chunks, having_keys

__all__ = ["MOST_BYTES", "Part", "WorkOnAction", "parts_of"]

_BATCH = 100  # records of one commit
_BEAT = 1.0  # seconds between looks whether the job is cancelled
_TRIES = 4
MOST_BYTES = 4 * 1024 * 1024  # of the results of one commit as JSON; some stores take no much larger values
_FIRST_PAUSE = 0.05  # seconds


class Part(msgspec.Struct, frozen=True):
    """One commit of a job: its number, its id as a note, and the keys of its records, as texts."""

    number: int
    id: str
    keys: tuple[str, ...]

    def singly(self) -> list[Part]:
        """Parts of one record each."""
        return [Part(self.number, f"{self.id}-{place:03d}", (key,)) for place, key in enumerate(self.keys)]

    def is_done(self, done: set[str]) -> bool:
        """Whether it has its end, or each of its records by itself."""
        return self.id in done or (len(self.keys) > 1 and all(each.id in done for each in self.singly()))


def parts_of(declared: DeclaredAction | None, note: Value) -> list[Part]:
    """The parts of a job: an action on each of some records has many, any other is one, as is a request."""
    if declared is None or declared.on is not On.EACH:
        return [Part(0, f"{note.id}-00000", tuple(note.keys))]
    size = _BATCH if declared.kind.__repeat__ else 1
    starts = range(0, len(note.keys), size)
    return [
        Part(number, f"{note.id}-{number:05d}", tuple(note.keys[start : start + size]))
        for number, start in enumerate(starts)
    ]


class WorkOnAction(msgspec.Struct):
    """Works on one job for one run, with the rights of the user who started it."""

    bindings: Bindings
    notes: ActionNotes
    running: Running
    declared: DeclaredAction
    note: Value
    run: str
    open_context: Callable[[str, User], AbstractAsyncContextManager[Value]]

    async def run_parts(self) -> tuple[str, str]:
        """Work on all parts that are left; return the state that the job has then, with the reason, or "" where it was
        cancelled or taken over meanwhile.
        """
        work = asyncio.ensure_future(self._run_parts())
        beat = asyncio.ensure_future(self._beat())
        try:
            await asyncio.wait([work, beat], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return "", ""
            return work.result()
        finally:
            for task in (work, beat):
                task.cancel()
            await asyncio.gather(work, beat, return_exceptions=True)

    async def _run_parts(self) -> tuple[str, str]:
        done = await self._done()
        for part in parts_of(self.declared, self.note):
            if part.is_done(done):
                continue
            reason = await self._try(part)
            if reason and self.declared.on is not On.EACH:
                return "failed", reason
            if not reason:
                continue
            for single in part.singly() if len(part.keys) > 1 else [part]:
                if single.id in done:
                    continue
                failed = await self._try(single) if single is not part else reason
                if failed:
                    await self._note_failure(single, failed)
        return "done", ""

    async def _try(self, part: Part) -> str:
        """Run a part; return the reason where that cannot be done."""
        is_repeated = self.declared.kind.__repeat__
        if not is_repeated and not await self._begin(part):
            return "it was interrupted, and is not repeated"
        reason = "its commit is refused again and again"
        for attempt in range(_TRIES if is_repeated else 1):
            try:
                await self._commit(part)
            except CommitAborted as error:
                cause = error.__cause__
                if isinstance(cause, AlreadyExists) and cause.collection == self._parts:
                    return ""  # another run has done it
                reason = reason_of(error)
                if not error.is_retryable:
                    return reason
                await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
            except Exception as error:
                return reason_of(error)
            else:
                return ""
        return reason

    async def _commit(self, part: Part) -> None:
        declared, given = self.declared, self.note
        user = user_of(given.user)
        action = made_of(declared.kind, declared.inputs.from_json(given.inputs.encode()))
        keys = [key_of(self.bindings.of_name(declared.collection), text) for text in part.keys]
        async with self.open_context(f"job {declared.collection}/{declared.name}", user) as context:
            session: Session = context.session
            records = await self._records(session, keys)
            results: list[Value] = []
            end = self.notes.part(id=part.id, job=given.id, seen=len(records))

            async def ends() -> None:
                shown = [_json(each, _without_key) for each in results]
                self._demand_bounded(shown)
                end.is_told = not _has_records(results)
                end.results = self._paired(part, shown) if end.is_told else []
                session.add(end)
                await session.commit(require=Guarantee.RECOVERED if len(records) > 1 else None)

            await self.running.run(session, declared, action, records, context.core, ends, into=results)
        if not end.is_told:
            await self._tell_later(part, results)

    async def _records(self, session: Session, keys: list[Key]) -> list[Record]:
        """The records with these keys, in order. Raises NotFound where one is gone, or is not for the user any more."""
        binding, found = session.context.bindings.of_name(self.declared.collection), dict[Key, Record]()
        for some in chunks(binding, keys) if keys else ():
            condition = both(having_keys(binding, some), self.declared.wanted)
            query: AnyQuery = Query(binding.collection, condition, model=binding.model)
            found.update((record.__key__(), record) for record in await session.query(query))
        for key in keys:
            if key not in found:
                raise NotFound(self.declared.collection, key)
        return [found[key] for key in keys]

    # --- results ------------------------------------------------------------------------------------------------------

    async def _tell_later(self, part: Part, results: Sequence[Value]) -> None:
        """Note results with records among them, which have their keys after the commit."""
        shown = [_json(each, self._reference) for each in results]
        async with Session(self.bindings) as session:
            end = await session.require(self.notes.part, part.id)
            end.results, end.is_told = self._paired(part, shown), True
            await session.commit()

    def _demand_bounded(self, shown: Sequence[Json]) -> None:
        """Raise LimitExceeded for results that no note has room for; references among them take hardly any."""
        if len(msgspec.json.encode(shown)) > MOST_BYTES:
            what = f"bytes in the result of {self.declared.collection}/{self.declared.name}"
            raise LimitExceeded(what, MOST_BYTES, "return less, and keep the rest in records")

    def _paired(self, part: Part, shown: Sequence[Json]) -> list[Json]:
        if self.declared.on is not On.EACH:
            return [{"result": each} for each in shown]
        return [{"key": _shown(key), "result": each} for key, each in zip(part.keys, shown, strict=True)]

    def _reference(self, record: Model) -> Json:
        collection = self.bindings.of_model(type(record)).collection
        return {"collection": collection, "key": _shown(text_of(record.__key__()))}

    # --- notes --------------------------------------------------------------------------------------------------------

    @property
    def _parts(self) -> str:
        return self.bindings.of_model(self.notes.part).collection

    async def _done(self) -> set[str]:
        """The ids of all ends."""
        asked: AnyQuery = Query(self._parts, Compare(("job",), Op.EQ, self.note.id), model=self.notes.part)
        async with Session(self.bindings) as session:
            return {each.id for each in await session.query(asked)}

    async def _begin(self, part: Part) -> bool:
        """Note that a part begins; whether it did not before."""
        async with Session(self.bindings) as session:
            note = await session.require(self.notes.job, self.note.id)
            if note.begun >= part.number:
                return False
            note.begun = part.number
            sign(note, self.run)
            await session.commit()
            return True

    async def _note_failure(self, part: Part, reason: str) -> None:
        failures = [{"key": _shown(key), "reason": reason} for key in part.keys]
        async with Session(self.bindings) as session:
            session.add(self.notes.part(id=part.id, job=self.note.id, seen=len(part.keys), failures=failures))
            try:
                await session.commit()
            except CommitAborted as error:
                session.rollback()
                if not isinstance(error.__cause__, AlreadyExists):
                    raise

    async def _beat(self) -> None:
        """Renew the lease; return once the job is cancelled, or somebody else's."""
        while True:
            await asyncio.sleep(_BEAT)
            async with Session(self.bindings) as session:
                note = await session.get(self.notes.job, self.note.id)
                if note is None or note.state != "running" or not note.owner.endswith(f" {self.run}"):
                    return
                if note.until - now() < LEASE / 2:
                    sign(note, self.run)
                    with suppress(CommitAborted):
                        await session.commit()
                        continue
                    session.rollback()


def _has_records(value: Value) -> bool:
    if isinstance(value, dict):
        value = [*value.values()]
    return isinstance(value, Model) or (isinstance(value, list | tuple) and any(map(_has_records, value)))


def _json(value: Value, reference_to: Callable[[Model], Json]) -> Json:
    """A result, with a reference in the place of each record, as somebody may read the result and not the record."""
    if isinstance(value, Model):
        return reference_to(value)
    if isinstance(value, list | tuple):
        return [_json(each, reference_to) for each in value]
    if isinstance(value, dict):
        return {str(name): _json(each, reference_to) for name, each in value.items()}
    found: Json = msgspec.json.decode(msgspec.json.encode(value))
    return found


def _without_key(record: Model) -> Json:
    """The reference to a record whose key may be made with the commit."""
    return None


def _shown(text: str) -> str:
    """A key as clients see it, from the text that notes have."""
    parts: list[str] = msgspec.json.decode(text)
    return ",".join(parts)
