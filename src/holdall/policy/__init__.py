"""Policies: who may see and do what."""

from holdall.policy.policy import Authenticated, Everyone, Grant, Nobody, Policy, Right, Role
from holdall.policy.user import ANONYMOUS, SYSTEM, User

__all__ = ["ANONYMOUS", "SYSTEM", "Authenticated", "Everyone", "Grant", "Nobody", "Policy", "Right", "Role", "User"]
