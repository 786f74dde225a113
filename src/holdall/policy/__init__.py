"""Policies: who may see and do what."""

from holdall.policy.action_policy import ActionPolicy
from holdall.policy.bound import Judgement, all_of, any_of, bound
from holdall.policy.field_rights import FieldRights, Preset
from holdall.policy.part import Part, settled
from holdall.policy.policy import Policy
from holdall.policy.right import Right, right_of
from holdall.policy.rule import (
    AllOf,
    AnyOf,
    Authenticated,
    Calls,
    Everyone,
    Given,
    Grant,
    Nobody,
    NotOf,
    Owner,
    Role,
    Rule,
    When,
    as_rule,
    is_plain,
)
from holdall.policy.rule_walk import changed, described
from holdall.policy.tenancy import Tenanted, tenant_field, tenant_rule
from holdall.policy.user import ANONYMOUS, SYSTEM, Attributes, Me, User, me

__all__ = [
    "ANONYMOUS",
    "SYSTEM",
    "ActionPolicy",
    "AllOf",
    "AnyOf",
    "Attributes",
    "Authenticated",
    "Calls",
    "Everyone",
    "FieldRights",
    "Given",
    "Grant",
    "Judgement",
    "Me",
    "Nobody",
    "NotOf",
    "Owner",
    "Part",
    "Policy",
    "Preset",
    "Right",
    "Role",
    "Rule",
    "Tenanted",
    "User",
    "When",
    "all_of",
    "any_of",
    "as_rule",
    "bound",
    "changed",
    "described",
    "is_plain",
    "me",
    "right_of",
    "settled",
    "tenant_field",
    "tenant_rule",
]
