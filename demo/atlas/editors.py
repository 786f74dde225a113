"""Who may change the atlas: whoever knows the token that the terminal shows at the start."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from holdall import User

__all__ = ["Editors"]

_EDITOR = User("editor", roles=frozenset({"editor"}))


class Editors:
    """Tells requests with this start's bearer token (RFC 6750) from all others."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self._expected = f"Bearer {self.token}".encode()

    async def __call__(self, scope: Mapping[str, Any]) -> User | None:
        """The editor, or None for everybody else."""
        for name, value in scope["headers"]:
            if name == b"authorization" and secrets.compare_digest(value, self._expected):
                return _EDITOR
        return None
