"""How the sync facade waits for what is async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

__all__ = ["Wait"]

R = TypeVar("R")


class Wait(Protocol):
    """Calls a function on the facade's own loop, and returns its result."""

    def __call__(self, function: Callable[[], Awaitable[R]], /) -> R:
        """Wait for the result; raises what it raises."""
