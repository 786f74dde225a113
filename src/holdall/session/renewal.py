"""Records renewed from their stores: taken over whole, or under the changes that the session has made."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from holdall.errors import HoldallError, NotFound, StateError
from holdall.model import Record, State, old_of, state_of
from holdall.policy import Right, User
from holdall.query import Query
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.damage import records_of
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap
from holdall.session.references.key_conditions import chunks, having_keys
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.withholding import withhold
from holdall.store import Store, StoreTransaction

__all__ = ["Renewal"]


class Renewal(msgspec.Struct, eq=False):
    """Renews records of one session."""

    bindings: Bindings
    records: IdentityMap
    user: User
    dao_records: DaoRecords

    async def refresh(self, binding: Binding, record: Record) -> None:
        """Take over what the store has now; discards the record and raises NotFound if it has nothing any more."""
        key = self.records.stored_key(record)
        if not await self.reread(binding, record):
            self.records.discard(record)
            raise NotFound(binding.collection, key)

    async def after_bulk(self, bindings: Iterable[Binding]) -> None:
        """Read the records of collections anew that are here and not changed, or let go of them where that fails."""
        for binding in bindings:
            try:
                await self.refresh_clean(binding)
            except HoldallError:  # what was done is done; who asks for a record reads it anew
                self.records.release(list(self.records.of(binding.model).values()))

    async def refresh_clean(self, binding: Binding) -> None:
        """Take over what the store has now of every record of a collection that is here and not changed; those that are
        gone are discarded.
        """
        records = self.records
        held = {key: record for key, record in records.of(binding.model).items() if state_of(record) is State.CLEAN}
        if not held or binding.record_access is not None:
            return
        records.collect()  # finds those that were changed in place
        for part in chunks(binding, list(held)):
            rows = await self._access(binding).fetch(Query(binding.collection, having_keys(binding, part)))
            fresh_records = records_of(binding, rows)
            withhold(binding, self.user, fresh_records)
            found = dict(zip(map(binding.row_key, rows), fresh_records, strict=True))
            for record in [held[key] for key in part]:
                if state_of(record) is not State.CLEAN or not records.holds(record):
                    continue
                fresh = found.get(record.__key__())
                if fresh is None:
                    records.discard(record)
                    continue
                for field in binding.declaration.stored:
                    field.put(record, field.get(fresh))
                records.renew([record])

    async def read_untold(self, bindings: Bindings) -> None:
        """Read records anew to which their store gave values that no outcome had: the commit stands as it is."""
        untold = list(self.records.untold.values())
        self.records.untold.clear()
        for record in untold:
            if self.records.holds(record) and state_of(record) is State.CLEAN:
                with suppress(HoldallError):
                    await self.reread(bindings.of_model(type(record)), record)

    async def reread(self, binding: Binding, record: Record) -> bool:
        """Take over what the store has now; False if it has nothing any more, and the record stays as it is."""
        key = self.records.stored_key(record)
        fresh = await self._fresh(binding, record)
        if fresh is None:
            return False
        if id(record) in self.records.rekeyed:
            self.records.unfile_changed_key(record)
        for field in binding.declaration.stored:
            field.put(record, field.get(fresh))
        self.records.mark_clean(record, key)
        self.records.renew([record])
        return True

    async def rebase(self, binding: Binding, record: Record) -> bool:
        """Take over what the store has now of all fields that the session did not change, and as the old values of
        those that it did; False if it has nothing any more, and the record stays as it is.
        """
        fresh = await self._fresh(binding, record)
        if fresh is None:
            return False
        old = old_of(record)
        for field in binding.declaration.stored:
            if field.name in old:
                old[field.name] = field.get(fresh)
            else:
                field.put(record, field.get(fresh))
        self.records.renew([record])
        return True

    def _access(self, binding: Binding) -> Store | StoreTransaction:
        return SemiJoins(self.bindings, self.user).access(binding)

    async def _fresh(self, binding: Binding, record: Record) -> Record:
        """A record, not of this session, with what the store has now; None where it has nothing."""
        binding.policy.demand(Right.READ, self.user, binding.collection)
        key = self.records.stored_key(record)
        if binding.record_access is not None:
            fresh = await self.dao_records.fresh(binding, key)
        else:
            rows = await self._access(binding).fetch(Query(binding.collection, having_keys(binding, [key])))
            fresh = records_of(binding, rows)[0] if rows else None
        if fresh is not None:
            withhold(binding, self.user, [fresh])
        if not self.records.holds(record):
            raise StateError(f"this {binding.collection} left the session while it was read")
        return fresh
