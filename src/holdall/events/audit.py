"""The audit trail: who changed which record, when, from what to what, kept in the same commit as the change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from holdall.errors import DeclarationError
from holdall.events.audit_entry import AuditEntry
from holdall.events.audited_tenants import TenantedEntry, of_own_tenant, tenant_of
from holdall.events.body import KeysToCome
from holdall.events.event import python_values
from holdall.events.happened import Happened
from holdall.events.json_values import bounded_key_text, shown_values
from holdall.events.rows import RowBinding
from holdall.model import Model, Record
from holdall.model.json_output import encode_hook
from holdall.policy import Nobody, Policy, tenant_field
from holdall.policy.rule import Given
from holdall.query import Kind, Value
from holdall.session import Binding, Bindings
from holdall.session.journal.packing import KeyToCome
from holdall.store import Store, can_keep_rows

__all__ = ["Audit"]

_AWAITING = ("number", "made_1", "made_2", "made_3")


class Audit:
    """Keeps the changes of some collections in one store; a sink of ``Listeners``."""

    def __init__(self, models: Collection[type[Model]], store: Store, collection: str, read: Given) -> None:
        if not can_keep_rows(store):
            raise DeclarationError(f"store {store.name!r} cannot keep an audit trail with its commits; name a database")
        self._models = frozenset(models)
        model = _model(collection, self._models)
        policy = Policy(read=of_own_tenant(read, self._models), write=Nobody)
        self.binding = RowBinding(model, store, policy, _AWAITING)
        self._has_tenants = issubclass(model, TenantedEntry)

    def watches(self, binding: Binding) -> bool:
        """Whether changes of a collection are kept."""
        return binding.model in self._models

    def settle(self, bindings: Bindings) -> None:
        """See that every model is there, and where entries are kept now. Raises StateError for one that is not."""
        for model in self._models:
            bindings.of_model(model)
        kept = bindings.of_model(self.binding.model)
        if isinstance(kept, RowBinding):
            self.binding = kept

    def rows(self, happened: Happened) -> Iterator[tuple[RowBinding, Record, list[Record]]]:
        """Return the entry of one event."""
        occurrence, to_come = happened.occurrence, KeysToCome(len(_AWAITING))
        binding, key = occurrence.binding, occurrence.key
        is_counted = len(binding.declaration.key) == 1 and binding.declaration.key[0].kind is Kind.INT
        if key is None or not is_counted:
            to_come.records.append(occurrence.record if key is None else None)
        old, new = happened.values()
        new = {name: value for name, value in new.items() if value is not occurrence.record}
        entry = self.binding.model(
            at=happened.facts.at,
            kind=occurrence.kind.value,
            collection=binding.collection,
            number=key if is_counted else None,
            key=None if is_counted or key is None else bounded_key_text(key),
            by=None if happened.facts.user.id is None else str(happened.facts.user.id)[:200],
            request_id=happened.facts.request_id,
            commit=happened.facts.commit,
            names=list(happened.fields),
            before=_json(binding, to_come.placed(old)) if old else None,
            after=_json(binding, to_come.placed(new)) if new else None,
            **({"tenant": tenant_of(occurrence)} if self._has_tenants else {}),
        )
        yield self.binding, entry, to_come.records

    def written(self, collections: set[str]) -> None:
        """Nobody waits for entries."""


def _model(name: str, models: frozenset[type[Model]]) -> Value:
    if any(tenant_field(model) is not None for model in models):

        class EntryOfTenant(TenantedEntry, collection=name):
            audited = models

        return EntryOfTenant

    class Entry(AuditEntry, collection=name):
        audited = models

    return Entry


def _json(binding: Binding, values: Mapping[str, Value]) -> Value:
    """Values as JSON shows them."""
    plain = {name: value for name, value in values.items() if not _awaits(value)}
    shown = shown_values(binding.model, python_values(binding, plain))
    shown |= {name: _placed(value) for name, value in values.items() if name not in plain}
    return msgspec.to_builtins(shown, enc_hook=encode_hook)


def _awaits(value: object) -> bool:
    return isinstance(value, KeyToCome) or (isinstance(value, tuple) and any(map(_awaits, value)))


def _placed(value: Value) -> Value:
    if isinstance(value, KeyToCome):
        return {"made": _AWAITING[value.place]}
    return [_placed(item) for item in value] if isinstance(value, tuple) else value
