"""The part of a commit that asks stores before anything is planned: what its references need, and what they forbid."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from holdall.errors import (
    CommitAborted,
    FieldError,
    HoldallError,
    LimitExceeded,
    ReferenceViolation,
    StaleVersion,
    StateError,
    StillReferenced,
    UniqueViolation,
    ValidationError,
)
from holdall.model import OnDelete, Record, Reference, State, record_in, state_of
from holdall.policy import SYSTEM, User
from holdall.query import Value
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.rights import turned
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap
from holdall.session.made_once import MadeOnce
from holdall.session.references.absent import Absent
from holdall.session.references.bulk_reading import read_bulk
from holdall.session.references.cascade import follow_removals
from holdall.session.references.cascade_changes import CascadeChanges
from holdall.session.references.cascade_plan import CascadePlan
from holdall.session.references.deletion_cascade import follow_deletions
from holdall.session.references.existence import demand_targets
from holdall.session.references.fixup import apply_inverse_edits, displace_previous, link_new_keys
from holdall.session.references.key_moves import KeyMoves
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.references.stored_inverse import update_stored_inverses

__all__ = ["Referential"]

_VAIN_ATTEMPTS = 5


class Referential:
    """Keeps references whole over all stores of a session. Commits without references cost nothing."""

    _semi_joins = MadeOnce[SemiJoins](lambda self: SemiJoins(self._bindings, SYSTEM))
    _related = MadeOnce[RelatedReader](lambda self: RelatedReader(self._semi_joins, self._dao_records))

    def __init__(self, bindings: Bindings, records: IdentityMap, user: User, dao_records: DaoRecords) -> None:
        self._bindings = bindings
        self._records = records
        self._user = user
        self._dao_records = dao_records
        self._is_at_work = False
        self._assumed: list[Any] = []
        self._derived: dict[tuple[str, Any], Any] = {}
        self._are_fewer = False  # whether more records were left out in the last attempt than in that before
        self._left_out = 0
        self._has_made_way = False  # whether somebody was found to give way in the last attempt
        self._vain_attempts = 0  # those refused in a row for a place that nobody was found to have

    def derived_record(self, error: Exception) -> Record:
        """The record that a commit was refused for, if only the commit itself was to change it, in its lists.

        Nobody has asked for that change there, so that it may be worked out anew from the current rows of the store.
        None for any other refusal.
        """
        cause = error.__cause__
        return self._derived.get((cause.collection, cause.key)) if isinstance(cause, StaleVersion) else None

    def assumed_record(self, error: Exception) -> Record:
        """The session's record that a commit was refused for, as a reference it went by is another now; else None."""
        cause = error.__cause__
        if not isinstance(cause, StaleVersion):
            return None
        for record in filter(self._records.holds, self._assumed):
            collection = self._bindings.of_model(type(record)).collection
            if (collection, self._records.stored_key(record)) == (cause.collection, cause.key):
                return record
        return None

    def has_come(self, error: Exception) -> bool:
        """Whether the commit was refused because another has come to refer to what only one may refer to, or to what is
        removed.

        Worked out anew, it finds who that is, so that he gives way, or follows the rule for him. False where nobody is
        found however often it looks.
        """
        cause = error.__cause__
        is_added = isinstance(cause, UniqueViolation) and any(
            binding.collection == cause.collection for binding in self._of(self._records.if_absent.values())
        )
        is_taken = self._is_taken(cause) if type(cause) is UniqueViolation else self._is_held(cause)
        if not (is_added or is_taken):
            return False
        self._vain_attempts = 0 if self._has_made_way or self._are_fewer else self._vain_attempts + 1
        return self._vain_attempts < _VAIN_ATTEMPTS

    def _is_taken(self, cause: UniqueViolation) -> bool:
        """Whether a record may have its place by the other end of its reference alone."""
        return any(
            relationship.is_single and cause.fields == (relationship.field.name,)
            for relationship in self._bonds_of(cause.collection)
        )

    def _is_held(self, cause: BaseException | None) -> bool:
        """Whether a store refused a removal for a reference that would have gone or been emptied with it."""
        return isinstance(cause, ReferenceViolation) and any(
            relationship.on_delete is not OnDelete.RESTRICT
            for binding in self._of(self._records.deleted.values())
            for relationship in binding.bound_by
        )

    def _bonds_of(self, collection: str) -> list[Relationship]:
        return [
            relationship
            for binding in self._bindings
            if binding.collection == collection
            for relationship in binding.relationships
        ]

    def is_needed(self) -> bool:
        """Whether the changes at hand concern what no single store does by itself: references, bulk changes."""
        if self._records.rekeyed or self._records.if_absent or self._is_concerned():
            return True
        return bool(self._records.bulk) and not self._is_bulk_plain()

    def _is_bulk_plain(self) -> bool:
        """Whether the one store that is written makes all bulk changes, of records that are not changed here."""
        records = self._records
        changed = {type(record) for group in (records.dirty, records.deleted) for record in group.values()}
        written = [*[each.binding for each in records.bulk], *self._of([*records.new.values()])]
        written += [self._bindings.of_model(model) for model in changed]
        return len({id(binding.store) for binding in written}) == 1 and all(
            each.is_plain and not self._is_told(each.binding) and each.binding.model not in changed
            for each in records.bulk
        )

    def _is_told(self, binding: Binding) -> bool:
        """Whether something is to be known of each record that changes."""
        moves = self._bindings.moves
        return binding.is_watched or (moves is not None and moves.is_noted(binding.collection))

    def _is_concerned(self) -> bool:
        records = self._records
        if not self._bindings.has_bonds:
            return False
        if records.dirty and turned(records.dirty.values()):
            return True
        if records.deleted and any(
            binding.bound_by or binding.inversely_stored for binding in self._of(records.deleted.values())
        ):
            return True
        if records.backs.edits:
            return True
        if not self._bindings.has_unenforced:
            return False
        if not any(map(_is_concerned, self._of([*records.new.values(), *records.dirty.values()]))):
            return False
        is_more = records.dirty or records.deleted or records.bulk or self._bindings.has_inversely_stored
        return bool(is_more) or not self._is_among_new()

    def _is_among_new(self) -> bool:
        """Whether new records refer to new records of the session alone, so that no store need be asked for any."""
        for record in self._records.new.values():
            for relationship in self._bindings.of_model(type(record)).relationships:
                field = relationship.field
                if field.root is not field:
                    return False
                slot = field.get(record)
                if not all(map(_is_new, slot if field.form is not None else (slot,))):
                    return False
        return True

    def _of(self, records: Iterable[Record]) -> list[Binding]:
        return [self._bindings.of_model(model) for model in set(map(type, records))]

    @asynccontextmanager
    async def induced(self, *, is_preview: bool = False) -> AsyncIterator[CascadeChanges]:
        """Within the block the session holds what the commit must do besides what was asked; see ``induce``.

        Raises StateError while another commit of the session is at work.
        """
        if self._is_at_work:
            raise StateError("a commit of this session is already running; await it first")
        self._is_at_work = True
        induced, is_written = None, False
        absent = Absent(self._records, self._bindings) if self._records.if_absent else None
        try:
            if absent is not None:
                await absent.leave_out(self._related)
                self._are_fewer, self._left_out = absent.count > self._left_out, absent.count
            induced = await self.induce()
            yield induced
            self._vain_attempts, is_written = 0, not is_preview
        finally:
            self._is_at_work = False
            self._records.is_bulk_read = False
            self._records.system_changes.clear()
            self._records.consequences.clear()
            self._records.assumptions.clear()
            if induced is not None:
                induced.end()
            if absent is not None:
                absent.end(is_written=is_written)

    async def induce(self) -> CascadeChanges:
        """Put into the session what the commit must do besides what was asked.

        Raises ValidationError, with every reference that cannot hold, or CommitAborted from StillReferenced, with
        everything that stands in the way of a removal.
        """
        found = CascadePlan(self._records, self._bindings)
        moves = KeyMoves(self._records, self._bindings) if self._records.rekeyed else None
        link_new_keys(found)
        if self._records.bulk:
            try:
                await read_bulk(found, self._semi_joins, self._records.bulk)
            except LimitExceeded as error:
                raise _aborted(error) from error
            self._records.is_bulk_read = True
        await apply_inverse_edits(found, self._related)
        if self._records.dirty or not found.is_empty:
            await follow_deletions(found, self._related, self._user)
        if found.removed:
            await follow_removals(found, self._related, self._user)
        if self._bindings.has_inversely_stored:
            await displace_previous(found, self._related)
        await demand_targets(found, self._related, moves.new_keys if moves is not None else None)
        if self._bindings.has_inversely_stored and not found.errors and not found.refusals:
            await update_stored_inverses(found, self._related)
        if moves is not None and not found.errors and not found.refusals:
            await moves.follow(found, self._related)
        if found.errors:
            raise self._invalid(found.errors)
        if found.refusals:
            store = self._bindings.of_name(found.refusals[0].target).store.name
            refused = StillReferenced(store, found.refusals)
            raise _aborted(refused) from refused
        self._records.system_changes.update(found.system_changes)
        self._records.consequences.update(found.consequences)
        self._records.assumptions.update(found.assumptions.expected())
        self._assumed = found.assumptions.records()
        self._derived, self._has_made_way = found.derived(), bool(found.given)
        induced = found.induce()
        if moves is not None:
            try:
                moves.begin(induced)
            except BaseException:
                induced.end()
                raise
        return induced

    def _invalid(self, errors: list[tuple[Any, FieldError]]) -> ValidationError:
        """All errors, with the path of each record among those that are to be written."""
        changed = [*self._records.new.values(), *self._records.dirty.values()]
        places = {id(record): number for number, record in enumerate(changed)}
        models, shown = set(), []
        for record, error in errors:
            models.add(type(record).__name__)
            prefix = ""
            if len(changed) > 1 and id(record) in places:
                prefix = f"{self._bindings.of_model(type(record)).collection}[{places[id(record)]}]."
            shown.append(FieldError(prefix + error.path, error.code, error.message))
        return ValidationError(models.pop() if len(models) == 1 else "commit", shown)


def _aborted(error: HoldallError) -> CommitAborted:
    return CommitAborted(f"nothing was written: {error}", CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple))


def _is_new(item: Value) -> bool:
    """Whether there is nothing in the slot of a reference, or a record that is yet to be stored."""
    if item is None:
        return True
    record = record_in(item) if item.__class__ is Reference else None
    return record is not None and state_of(record) is State.NEW


def _is_concerned(binding: Binding) -> bool:
    return bool(binding.unenforced or binding.inversely_stored) or any(
        relationship.stored_inverses for relationship in binding.bound_by
    )
