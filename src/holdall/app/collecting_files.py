"""Looking after files: contents to which no record refers any more are collected, and lost ones are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from holdall.errors import StateError
from holdall.files import FileStore, StoredFile
from holdall.policy import SYSTEM
from holdall.query import ALWAYS, Key
from holdall.session import Bindings, Recovery
from holdall.session.binding import Binding
from holdall.session.file_fields import rule_of
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["CollectedFiles", "LostFile", "check_files", "collect_files"]

_AT_ONCE = 100_000
"""Keys of contents that are held in memory while all references are looked at."""


class CollectedFiles(msgspec.Struct):
    """Counts of one file store: ``seen`` contents older than the grace, of which ``orphans`` have no record.

    ``deleted`` of these are gone; ``interrupted`` are writes that never ended, which are removed as well.

    Example: ``docs/attachments.md``.
    """

    store: str
    seen: int = 0
    orphans: int = 0
    deleted: int = 0
    interrupted: int = 0

    def __str__(self) -> str:
        told = f"{self.store}: {self.seen} contents, {self.orphans} without a record, {self.deleted} deleted"
        return told + (f", {self.interrupted} interrupted writes removed" if self.interrupted else "")


class LostFile(msgspec.Struct, frozen=True):
    """A record that refers to a content which its file store does not have, or not of the size it had.

    Example: ``docs/attachments.md``.
    """

    collection: str
    key: Key
    field: str

    def __str__(self) -> str:
        return f"{self.collection} {self.key!r}: the content of {self.field} is not there"


async def collect_files(bindings: Bindings, recovery: Recovery, grace: float, *, dry_run: bool) -> list[CollectedFiles]:
    """Delete the contents that are older than ``grace`` seconds and that no record refers to; see ``Holdall``.

    Raises StateError for a grace below zero, and while commits are unfinished, which may refer to files.
    """
    if grace < 0:
        raise StateError("a grace is a number of seconds, zero or more")
    moment = datetime.now(UTC) - timedelta(seconds=grace)
    await recovery.run()
    if unfinished := await recovery.unfinished():
        raise StateError(
            f"{len(unfinished)} commits are not over, and may refer to files: look with holdall commits, then collect"
        )
    found = []
    for store in bindings.shelf:
        report = CollectedFiles(store.name)
        found.append(report)
        if not dry_run:
            report.interrupted = await store.sweep(moment)
        async for keys in _batches(store, moment):
            report.seen += len(keys)
            await _leave_out_referred(bindings, store, keys)
            report.orphans += len(keys)
            for key in keys if not dry_run else ():
                report.deleted += await store.delete(key, moment)
    return found


async def check_files(bindings: Bindings) -> AsyncIterator[LostFile]:
    """Give every record that refers to a content which is not there."""
    for store in bindings.shelf:
        async for binding, field, key, facts in _references(bindings, store):
            if await store.size(facts.key) != facts.size:
                yield LostFile(binding.collection, key, field)


async def _batches(store: FileStore, moment: datetime) -> AsyncIterator[set[str]]:
    """The keys in a store, a bounded number at a time."""
    keys = set[str]()
    async for key in store.keys(moment):
        keys.add(key)
        if len(keys) == _AT_ONCE:
            yield keys
            keys = set()
    if keys:
        yield keys


async def _leave_out_referred(bindings: Bindings, store: FileStore, keys: set[str]) -> None:
    """Take out of these keys those that a record refers to. Raises CorruptRecord where one cannot be read."""
    async for binding, field, _, facts in _references(bindings, store):
        keys.difference_update(rule_of(binding.declaration.by_name[field]).keys(facts))
        if not keys:
            return


async def _references(bindings: Bindings, store: FileStore) -> AsyncIterator[tuple[Binding, str, Key, StoredFile]]:
    """Every file of every record in a store: the collection, the field, the record's key and what is kept of it."""
    reader = RelatedReader(SemiJoins(bindings, SYSTEM))
    for model, fields in bindings.file_fields.items():
        binding = bindings.of_model(model)
        parts = len(binding.schema.key)
        for field in fields:
            if rule_of(field).store != store.name:
                continue
            if binding.record_access is not None:
                raise StateError(f"{binding.collection} is kept by a DAO: nobody can list the files it refers to")
            async for rows in reader.pages(binding, ALWAYS, (*binding.schema.key, field.name)):
                for row in rows:
                    kept = row[parts] if isinstance(row[parts], list) else [row[parts]]
                    key = row[0] if parts == 1 else row[:parts]
                    for each in kept:
                        if each is not None:
                            yield binding, field.name, key, msgspec.convert(each, StoredFile)
