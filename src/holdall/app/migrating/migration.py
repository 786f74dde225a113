"""A function that goes over all records of a collection, in batches that can be taken up again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from holdall.app.migrating.note import LONGEST_NAME, Notes
from holdall.app.migrating.report import MigrationReport, Tally
from holdall.app.reason import reason_of
from holdall.errors import CommitAborted, CommitError, CorruptRecord, HoldallError, StateError
from holdall.model import Record
from holdall.policy import SYSTEM, User
from holdall.query import ALWAYS, AnyQuery, Compare, Key, Op, Or, Query, both
from holdall.session import Binding, Bindings, Session
from holdall.session.journal.owner import commit_under_way
from holdall.session.references.key_conditions import chunks, having_keys
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["Change", "Migration"]

Change = Callable[[Any], Mapping[str, object] | Awaitable[Mapping[str, object] | None] | None]
"""Changes a record in place, or returns the values that its fields are to have."""

_RETRIES = 4
_FIRST_PAUSE = 0.05  # seconds


class Migration:
    """One way over a collection; see ``Holdall.migrate``. Example: ``docs/revisions.md``."""

    def __init__(
        self,
        bindings: Bindings,
        binding: Binding,
        change: Change,
        *,
        name: str | None,
        ids: Sequence[Key] | None,
        is_dry_run: bool,
        batch: int,
        progress: Callable[[MigrationReport], object] | None,
        user: User = SYSTEM,
    ) -> None:
        if binding.record_access is not None or binding.is_keyless or binding.is_read_only:
            raise StateError(f"{binding.collection} cannot be migrated: its records are not read and written by key")
        _demand_change(change)
        if name is not None and not 0 < len(name) <= LONGEST_NAME:
            raise StateError(f"the name of a migration has 1 to {LONGEST_NAME} characters")
        if type(batch) is not int or batch < 1:
            raise StateError("batch is a number of records above zero")
        if name is not None and ids is not None:
            raise StateError("a migration that is named goes over all records: give name or ids")
        if name is not None and user is not SYSTEM:
            raise StateError(
                "a migration that is named notes how far it came, for the program itself: give name or user"
            )
        self._bindings = bindings
        self._user = user
        self._binding = binding
        self._change = change
        self._ids = None if ids is None else list(dict.fromkeys(ids))  # each record once
        self._is_dry_run = is_dry_run
        self._batch = batch
        self._progress = progress
        self._notes = Notes(bindings, binding, name) if name is not None and not is_dry_run else None
        self._broken: list[CorruptRecord] = []
        self._tally = Tally()

    async def run(self) -> MigrationReport:
        """Go over all records, from where an earlier run came to."""
        self._bindings.configure()
        if self._notes is None:
            return await self._walk(None)
        await self._notes.create()
        with commit_under_way(self._notes.run):
            note = await self._notes.take()
            self._tally = self._notes.tally(note)
            if note.is_done:
                return self._report(is_done=True)
            return await self._walk(self._notes.position(note))

    async def _walk(self, after: Key) -> MigrationReport:
        async for keys in self._keys(after):
            for error in self._broken if self._user is SYSTEM else ():  # whether others see them cannot be known
                self._tally.fail(error.key, f"it cannot be read: {error.reason}")
            self._broken.clear()
            await self._migrate(keys)
            if self._progress is not None:
                self._progress(self._report(is_done=False))
        if self._notes is not None:
            async with Session(self._bindings) as session:
                await self._notes.renew(session, None, self._tally, is_done=True)
                await session.commit()
        return self._report(is_done=True)

    async def _keys(self, after: Key) -> AsyncIterator[list[Key]]:
        if self._ids is not None:
            for start in range(0, len(self._ids), self._batch):
                yield list(self._ids[start : start + self._batch])
            return
        binding, names = self._binding, self._binding.schema.key
        reader = RelatedReader(SemiJoins(self._bindings, SYSTEM), told_of_broken=self._broken.append)
        async for rows in reader.pages(binding, ALWAYS, names, after=after, size=self._batch):
            yield [row[0] if len(names) == 1 else tuple(row[: len(names)]) for row in rows]

    async def _migrate(self, keys: list[Key]) -> None:
        """Migrate a batch in one commit; where that is refused, each of its records by itself."""
        for attempt in range(_RETRIES):
            tally = Tally()
            try:
                await self._commit(keys, tally)
            except CommitAborted as error:  # others are not over, and nobody knows yet what they wrote
                if not error.is_retryable:
                    break
                await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
                continue
            except _Refused:
                break
            self._tally.add(tally)
            return
        if len(keys) > 1:
            for key in keys:
                await self._migrate([key])
        else:
            await self._give_up(keys[0])

    async def _commit(self, keys: list[Key], tally: Tally) -> None:
        async with Session(self._bindings, self._user) as session:
            records = await self._records(session, keys)
            for key, record in zip(keys, records, strict=True):
                if record is None:  # removed meanwhile, or an id of nothing
                    if self._ids is not None:
                        tally.fail(key, "there is no such record")
                    continue
                before = record.to_dict()
                try:
                    await self._apply(record)
                    after = record.to_dict()
                except Exception as error:
                    raise _Refused(reason_of(error)) from error
                if self._binding.schema.version is None and self._binding.can_expect and before != after:
                    session.expect(record)
                tally.see(key, before, after)
            if self._is_dry_run:
                try:
                    if self._user is SYSTEM:
                        session.plan()  # as a commit would begin
                    else:
                        await session.expand(tell=True)  # with the rights to each record
                except HoldallError as error:
                    raise _Refused(reason_of(error)) from error
                finally:
                    session.rollback()
                return
            if self._notes is not None:
                total = Tally()
                total.add(self._tally)
                total.add(tally)
                await self._notes.renew(session, keys[-1], total)
            try:
                await session.commit()
            except CommitError:
                raise
            except HoldallError as error:  # before anything was sent
                raise _Refused(reason_of(error)) from error

    async def _records(self, session: Session, keys: list[Key]) -> list[Record]:
        """The records with these keys, deleted ones as well; None for one that is not there."""
        binding, deletion = self._binding, self._binding.declaration.deletion
        if deletion is None:
            return list(await asyncio.gather(*(session.get(binding.model, key) for key in keys)))
        path, found = (deletion.name,), dict[Key, Record]()
        any_of_them = Or((Compare(path, Op.IS_NULL, True), Compare(path, Op.IS_NULL, False)))
        for part in chunks(binding, keys):
            condition = both(having_keys(binding, part), any_of_them)
            asked: AnyQuery = Query(binding.collection, condition, model=binding.model)
            found.update((record.__key__(), record) for record in await session.query(asked))
        return [found.get(key) for key in keys]

    async def _apply(self, record: Any) -> None:
        given = self._change(record)
        values = await given if inspect.isawaitable(given) else given
        for name, value in (values or {}).items():
            setattr(record, name, value)

    async def _give_up(self, key: Key) -> None:
        """Leave a record as it is, and say why."""
        reason = "its commit is refused again and again"
        tally = Tally()
        try:
            await self._commit([key], tally)
        except _Refused as error:
            reason = str(error)
        except CommitAborted as error:
            reason = reason_of(error)
        else:
            self._tally.add(tally)
            return
        self._tally.fail(key, reason)
        if self._notes is not None:
            async with Session(self._bindings) as session:
                await self._notes.renew(session, key, self._tally)
                await session.commit()

    def _report(self, *, is_done: bool) -> MigrationReport:
        return self._tally.report(self._binding.collection, is_done=is_done, is_dry_run=self._is_dry_run)


class _Refused(Exception):
    """A record that cannot be what the function makes of it."""


def _demand_change(change: object) -> None:
    """Refuse what cannot be called with a record."""
    try:
        if callable(change):
            inspect.signature(change).bind(None)
            return
    except TypeError:
        pass
    except ValueError:  # built in and silent about its arguments
        return
    raise StateError("a migration is a function that takes a record: def slugged(song): ...")
