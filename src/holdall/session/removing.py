"""Removals of records, and deletions after which they stay where they are and can be restored."""

from __future__ import annotations

from datetime import UTC, date, datetime

from holdall.errors import StateError
from holdall.model import Field, Model, State, deletion_field, is_soft_deleted, state_of, track_of
from holdall.query import Kind
from holdall.session.commit.plan.make_plan import written_version
from holdall.session.context import SessionContext, demand_record
from holdall.store import Damaged, Verb

__all__ = ["remove", "restore_deleted"]


def remove(context: SessionContext, record: Model, *, is_final: bool) -> bool:
    """Mark the record for removal; False where it was new and is discarded instead.

    A record of a model with soft deletion is deleted, and stays, unless the removal ``is_final``.

    Raises StateError for a record whose key or version was changed.
    """
    records = context.records
    demand_record("remove", record)
    if state_of(record) is not State.NEW and records.holds(record):
        binding = context.bindings.of_model(type(record))
        binding.demand_writable()
        if binding.record_access is not None:
            binding.record_access.demand(Verb.REMOVE, binding.collection)
    context.demand_open()
    context.demand_held(record)
    if (track := track_of(record)) is None or track.state is State.DELETED:
        return True
    deletion = deletion_field(type(record))
    if deletion is not None and not is_final and track.state is not State.NEW:
        if not is_soft_deleted(record):
            setattr(record, deletion.name, _moment(deletion))
        return True
    if track.state is State.NEW and not context.committer.is_running:
        records.discard(record)
        return False
    if track.old and record.__key__() != records.stored_key(record):
        raise StateError(f"the key of this {type(record).__name__} was changed; give it back its key to remove it")
    version = type(record).__holdall__.version
    stored = None if version is None or not track.old else track.old.get(version.name)
    if version is not None and stored is not None and not isinstance(stored, Damaged):
        raise StateError(written_version(type(record).__name__, version.name))
    if track.state is State.CLEAN:
        records.reattach(record)
    records.states.move(record, State.DELETED, track.old)
    if context.link.edited is not None:
        context.link.edited[id(record)] = record
    return True


def restore_deleted(context: SessionContext, record: Model) -> None:
    """Have a deleted record be there again. Raises StateError for one that is to be removed for good."""
    context.demand_open()
    demand_record("restore", record)
    context.demand_held(record)
    name, deletion = type(record).__name__, deletion_field(type(record))
    if deletion is None:
        raise StateError(f"{name} has no soft deletion, so none is restored; class {name}(SoftDeleted) has")
    if state_of(record) is State.DELETED:
        raise StateError(f"this {name} is to be removed for good; rollback() takes that back")
    setattr(record, deletion.name, None)


def _moment(deletion: Field) -> datetime | date:
    """The moment until the commit stamps its own."""
    now = datetime.now(UTC)
    return now if deletion.kind is Kind.DATETIME else now.date()
