"""What someone without a right is told: as little as possible, and how to become known where that would help."""

from __future__ import annotations

from holdall.policy import Right, User
from holdall.session import Binding
from holdall.web.problem import Problem

__all__ = ["demand_right", "refusal"]


class _EveryRole(frozenset[str]):
    """The roles of somebody who has whatever role is asked for."""

    def __contains__(self, role: object) -> bool:
        return True


_SOMEBODY = User("somebody", roles=_EveryRole())


def demand_right(binding: Binding, right: Right, user: User, challenge: str) -> None:
    """Raise Problem unless the user has the right; done before anything of the request's body is read."""
    if not binding.policy.allows(right, user):
        raise refusal(binding, right, user, challenge)


def refusal(binding: Binding, right: Right, user: User, challenge: str) -> Problem:
    """401 for an unknown user where a known one might; 404 where not even reading is allowed; else 403."""
    policy = binding.policy
    if not user.is_authenticated and policy.allows(right, _SOMEBODY):
        headers = ((b"www-authenticate", challenge.encode()),)
        return Problem(401, "unauthenticated", "Say who you are first.", headers=headers)
    if policy.allows(Right.READ, user):
        return Problem(403, "forbidden", "You may not do this.")
    return Problem(404, "not-found", "There is no such record.")
