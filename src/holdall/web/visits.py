"""The collections that the parameters of a list look into, which the user must be able to read."""

from __future__ import annotations

from holdall.policy import Right, User
from holdall.web.listing import Listing
from holdall.web.parameters import not_understood, unknown_parameter

__all__ = ["demand_visits"]


def demand_visits(listing: Listing, user: User) -> None:
    """Raise Problem for a parameter that looks into a collection the user may not read: it is as one that is none."""
    unknown = dict.fromkeys(name for name, binding in listing.visits if not binding.policy.allows(Right.READ, user))
    if unknown:
        raise not_understood([unknown_parameter(name) for name in unknown])
