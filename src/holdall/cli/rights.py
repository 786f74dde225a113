"""Rights of users in each collection, printed when a service starts."""

from __future__ import annotations

from collections.abc import Iterator

from holdall.app import Holdall
from holdall.policy import ANONYMOUS, Right

__all__ = ["rights_of"]


def rights_of(app: Holdall, service: object) -> Iterator[str]:
    """A line for each collection, and a warning for what nobody can do, as users are not told apart."""
    knows_users = getattr(service, "knows_users", True)
    for binding in app.collections():
        if binding.collection.startswith("holdall_"):
            continue  # Holdall's own, which no request reaches
        allowed = {right: binding.policy.described(right) for right in Right}
        yield f"{binding.collection}: " + ", ".join(f"{right} {who}" for right, who in allowed.items())
        if not knows_users:
            closed = [right for right in Right if not binding.policy.allows(right, ANONYMOUS)]
            if closed:
                yield (
                    f"warning: nobody can {' or '.join(closed)} {binding.collection}: "
                    "give it a Policy that allows Everyone, or serve asgi(authenticate=...)"
                )
