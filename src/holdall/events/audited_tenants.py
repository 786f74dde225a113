"""Tenants in the audit trail: entries of a tenant's records say whose they are, and other tenants do not see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from holdall.events.audit_entry import AuditEntry
from holdall.events.json_values import bounded_key_text
from holdall.model import EventKind, Model, field
from holdall.policy import When, as_rule, tenant_field, tenant_rule
from holdall.policy.rule import AllOf, AnyOf, Given, Grant, NotOf, Rule
from holdall.query import Compare, Later, Op, Value
from holdall.session.occurrences import Occurrence

__all__ = ["TenantedEntry", "of_own_tenant", "tenant_of"]


class TenantedEntry(AuditEntry, abstract=True):
    """An entry of a trail that keeps changes of models with tenants. Example: :class:`AuditEntry`."""

    tenant: str | None = field(default=None, length=(0, 500), index=True)


def of_own_tenant(read: Given, models: Iterable[type[Model]]) -> Grant | Rule:
    """The rule of who reads entries, of records with a tenant only those of the user's own.

    Raises DeclarationError where a model has not the field that its ``__tenant__`` names. Example: :class:`AuditEntry`.
    """
    rule = as_rule(read)
    rules: list[Grant | Rule] = [rule]
    for model in sorted(models, key=lambda each: each.__holdall__.collection):
        own = tenant_rule(model)
        if own is not None:
            mine = _as_text(cast(Later, cast(Compare, own.condition).value))
            other = NotOf(When(Compare(("collection",), Op.EQ, model.__holdall__.collection)))
            rules.append(AnyOf((other, When(Compare(("tenant",), Op.EQ, mine)))))
    return AllOf(tuple(rules)) if len(rules) > 1 else rule


def tenant_of(occurrence: Occurrence) -> str | None:
    """The tenant of a record as entries have it; None where it changes, or is not known before its commit."""
    name = tenant_field(occurrence.binding.model)
    if name is None or (occurrence.kind is EventKind.CHANGED and name in occurrence.changed):
        return None
    return _text(occurrence.whole.get(name))


def _text(value: Value) -> str | None:
    return None if value is None or isinstance(value, Model) else bounded_key_text(value)


def _as_text(mine: Later) -> Later:
    return Later(mine.name, lambda user: bounded_key_text(mine.known(user)))
