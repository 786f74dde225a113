"""The guarantee that the caller of a commit requires, by its name, and the refusal of a plan that promises less."""

from __future__ import annotations

from holdall.errors import CommitAborted, StateError
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.plan import Plan

__all__ = ["demand_guarantee", "guarantee_of"]


def guarantee_of(given: Guarantee | str) -> Guarantee:
    """The guarantee that is meant. Raises StateError where there is none of this name."""
    names = {guarantee.name.lower(): guarantee for guarantee in Guarantee}
    found = given if isinstance(given, Guarantee) else names.get(given)
    if found is None:
        raise StateError(f"there is no guarantee {given!r}; choose one of {', '.join(names)}")
    return found


def demand_guarantee(plan: Plan, wanted: Guarantee) -> None:
    """Raise CommitAborted where the plan promises less than is required."""
    if not plan.guarantee.is_at_least(wanted):
        stores = ", ".join(store.name for store in plan.stores)
        raise CommitAborted(
            f"nothing was written: {stores} can promise {plan.guarantee.value!r}, not {wanted.value!r}; commit for each"
            " store, or require less",
            CommitResult(plan.guarantee, 0.0, tuple),
        )
