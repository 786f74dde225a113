"""Authentication and rights in OpenAPI: how to say who one is, and which operations ask for it."""

from __future__ import annotations

from holdall.policy import ANONYMOUS, Right
from holdall.session import Binding
from holdall.web.openapi.schemas import Node

__all__ = ["SCHEME", "security_of", "security_scheme"]

SCHEME = "holdall"
"""The name of the one scheme there is."""


def security_scheme(challenge: str) -> Node:
    """How a user says who asks, by what an unknown one is told in ``WWW-Authenticate``."""
    scheme = challenge.split(" ")[0].split(",")[0].lower()
    if scheme in ("bearer", "basic", "digest"):
        return {"type": "http", "scheme": scheme}
    return {"type": "apiKey", "in": "header", "name": "Authorization", "description": f"as for {challenge}"}


def security_of(binding: Binding, *rights: Right) -> Node:
    """Whether operations that want one of these rights ask for a user; where anybody may do them, one may be given all
    the same.
    """
    asked: list[Node] = [{SCHEME: []}]
    is_open = any(binding.policy.allows(right, ANONYMOUS) for right in rights)
    return {"security": [{}, *asked] if is_open else asked}
