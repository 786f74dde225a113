"""One of the policies that were merged: its rules, its rights in fields, and what must be valid under it."""

from __future__ import annotations

from functools import partial

import msgspec

from holdall.errors import DeclarationError, QueryError
from holdall.policy.field_rights import FieldRights
from holdall.policy.right import Right
from holdall.policy.rule import Everyone, Grant, Nobody, Owner, Rule, When, is_plain
from holdall.policy.rule_walk import changed
from holdall.policy.user import User
from holdall.query import Compare, Condition, Value, did_you_mean
from holdall.query.ownership import demand_condition_of

__all__ = ["Part", "is_open", "settled"]


class Part(msgspec.Struct, frozen=True, eq=False):
    """The rules of one policy by right, its rights in fields, and what holds by name.

    >>> Part("", {}, {}, {}, {}).is_plain
    True
    """

    name: str
    rules: dict[Right, Grant | Rule]
    fields: dict[str, FieldRights]
    valid: dict[Right, Condition]
    named: dict[str, Grant | Rule]

    @property
    def is_plain(self) -> bool:
        """Whether users alone decide about records. Example: :class:`Part`."""
        return all(map(is_plain, self.rules.values()))

    def hidden(self, user: User) -> frozenset[str]:
        """The fields that this policy hides from the user. Example: :class:`Part`."""
        return frozenset(name for name, rights in self.fields.items() if not rights.may_read(user))

    def of(self, model: Value) -> Part:
        """The same for a model. Raises DeclarationError for what it has not. Example: :class:`Part`."""
        settle = partial(settled, model)
        for name in self.fields:
            field = model.__holdall__.by_name.get(name)
            if field is None or not field.is_stored:
                near = did_you_mean(name, [known.name for known in model.__holdall__.stored])
                raise DeclarationError(f"{model.__name__} has no stored field {name!r} to have rights in{near}")
            if field in model.__holdall__.key and not is_open(self.fields[name]):
                raise DeclarationError(f"{model.__name__}.{name} is the key, by which records are asked: all read it")
        for condition in self.valid.values():
            settled(model, When(condition))
        return Part(
            self.name,
            {right: settle(rule) for right, rule in self.rules.items()},
            self.fields,
            self.valid,
            {name: settle(rule) for name, rule in self.named.items()},
        )

    def in_tenant(self, tenant: When) -> Part:
        """The same where records are those of a tenant, which nobody changes. Example: :class:`Part`."""
        compared = tenant.condition
        assert isinstance(compared, Compare)
        name, value = compared.path[0], compared.value
        kept = self.fields.get(name) or FieldRights(write=Nobody, preset=msgspec.structs.replace(value, encode=None))
        return msgspec.structs.replace(self, fields={**self.fields, name: kept})


def is_open(rights: FieldRights) -> bool:
    """Whether everyone may read a field. Example: :class:`Part`."""
    return rights.read is Everyone


def settled(model: Value, rule: Grant | Rule) -> Grant | Rule:
    """The rule for records of a model. Raises DeclarationError for what these have not.

    Example: :class:`Policy`.
    """
    return changed(rule, partial(_settled, model))


def _settled(model: Value, rule: Grant | Rule) -> Grant | Rule:
    if isinstance(rule, Owner):
        rule = When(rule.condition_on(model))
    if isinstance(rule, When):
        try:
            demand_condition_of(model, rule.condition)
        except QueryError as error:
            raise DeclarationError(f"a rule of {model.__name__} cannot be: {error}") from error
    return rule
