"""Answers to users without a right: as little as possible, and how to authenticate where that would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from holdall.errors import ActionUnavailable, FieldError, Forbidden
from holdall.policy import Given, Right, User, as_rule, bound
from holdall.query import ALWAYS, Key
from holdall.session import Binding, rights_of_removal
from holdall.web.problem import Problem

__all__ = [
    "SOMEBODY",
    "USER",
    "demand_grant",
    "demand_removal",
    "demand_right",
    "forbidden",
    "has_any_right",
    "might_allow",
    "refusal",
    "unavailable",
]


USER = "holdall.user"
"""Where the scope of a request has who asks."""


class _EveryRole(frozenset[str]):
    """The roles of somebody who has whatever role is asked for."""

    def __contains__(self, role: object) -> bool:
        return True


SOMEBODY = User("somebody", roles=_EveryRole())
"""A known user who holds every role."""


def demand_grant(given: Given, user: User, challenge: str) -> None:
    """Raise Problem unless a rule that asks for no record is for the user: 401 where it is for some known one."""
    rule = as_rule(given)
    if bound(rule, user) == ALWAYS:
        return
    if not user.is_authenticated and bound(rule, SOMEBODY) == ALWAYS:
        raise _unknown(challenge)
    raise Problem(404, "not-found", "There is no such record.")


def demand_right(binding: Binding, right: Right, user: User, challenge: str) -> None:
    """Raise Problem unless the user has the right; done before anything of the request's body is read."""
    if not binding.policy.allows(right, user):
        raise refusal(binding, right, user, challenge)


def demand_removal(binding: Binding, user: User, challenge: str) -> None:
    """Raise Problem unless the user has every right that a removal may need for the records that refer to it.

    Which of them are there is not asked: who may not see them would learn of them by the answer.
    """
    for source, right in rights_of_removal(binding):
        if not source.policy.is_whole(right, user):
            refused = refusal(source, right, user, challenge)
            raise refused if refused.status == 401 else Problem(403, "forbidden", "You may not do this.")


def has_any_right(binding: Binding, user: User) -> bool:
    """Whether a collection is there at all for the user, or would be for a known one."""
    if not user.is_authenticated:
        return any(might_allow(binding, right) for right in Right)
    return any(binding.policy.allows(right, user) for right in Right)


def might_allow(binding: Binding, right: Right) -> bool:
    """Whether some known user may have the right: one who holds every role, or is what a rule asks of records."""
    return not binding.policy.is_simple or binding.policy.allows(right, SOMEBODY)


def refusal(binding: Binding, right: Right, user: User, challenge: str) -> Problem:
    """401 for an unknown user where a known one might; 404 where not even reading is allowed; else 403."""
    policy = binding.policy
    if not user.is_authenticated and might_allow(binding, right):
        return _unknown(challenge)
    if policy.allows(Right.READ, user):
        return Problem(403, "forbidden", "You may not do this.")
    return Problem(404, "not-found", "There is no such record.")


def _unknown(challenge: str) -> Problem:
    headers = ((b"www-authenticate", challenge.encode()),)
    return Problem(401, "unauthenticated", "Say who you are first.", headers=headers)


def forbidden(
    bindings: Iterable[Binding], error: Forbidden, user: User, challenge: str, own: Binding | None = None
) -> Problem:
    """The answer to those whose right the session, a view or a function of the program denied.

    Of the ``own`` collection it may say that there is no such record. A right, or a collection, that somebody has made
    up is plainly forbidden.
    """
    if isinstance(error, ActionUnavailable):
        return unavailable(error)
    plain = Problem(403, "forbidden", "You may not do this.")
    binding = next((each for each in bindings if each.collection == error.collection), None)
    if binding is None or error.right not in [*Right]:
        return plain
    refused = refusal(binding, Right(error.right), user, challenge)
    return refused if binding is own or refused.status == 401 else plain


def unavailable(error: ActionUnavailable, key_text: Callable[[Key], str] = str) -> Problem:
    """The answer to those who may not execute an action, or not on these records: the reason, and which ones."""
    errors = [FieldError(key_text(key), "not-available", error.reason) for key in error.keys]
    return Problem(403, "not-available", f"The action is not available: {error.reason}", errors)
