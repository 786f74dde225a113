"""Rules of policies for actions and selections: each is for one that there is."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.session.binding import Binding

__all__ = ["demand_named"]


def demand_named(bindings: Iterable[Binding], application: Value) -> None:
    """Raise DeclarationError where a policy has a rule for an action or a selection that there is not."""
    for binding in bindings:
        for each in binding.policy.named:
            kind, _, name = each.partition(" ")
            if application is None or not application.has(kind, binding.collection, name):
                raise DeclarationError(
                    f"the policy of {binding.collection} has a rule for the {kind} {name!r}, and there is none:"
                    f" app.add_{kind}() comes before the first session"
                )
