"""The part of an application that the sync facade and the active-record look call."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from holdall.app.findings import FsckReport
from holdall.session import Bindings, Recovery, Session

__all__ = ["Application", "Sessions"]


class Sessions(Protocol):
    """An application as the active-record look sees it."""

    bindings: Bindings

    @property
    def active_session(self) -> Session | None:
        """The session whose block this task is in, if any."""
        ...

    def activated(self, session: Session, *, auto_add: bool = False) -> AbstractContextManager[None]:
        """Within the block the active-record look acts in this session."""
        ...


class Application(Sessions, Protocol):
    """An application as the sync facade sees it; see ``Holdall`` for each."""

    recovery: Recovery

    async def create(self) -> None:
        """Create what the stores lack for the collections."""

    async def inspect(self) -> dict[str, list[str]]:
        """How each store's content differs from the models."""
        ...

    async def obstacles(self) -> dict[str, list[str]]:
        """As ``inspect``, without what concerns single records where the store can tell them apart."""
        ...

    async def verify(self) -> None:
        """Raise SchemaMismatch for the first store whose content does not fit the models."""

    async def durability(self) -> dict[str, str]:
        """By store, a sentence that says what its own settings do not promise of a write."""
        ...

    async def start(self, *, every: float = 30.0) -> None:
        """Finish what earlier commits left behind, now and every ``every`` seconds, until ``close``."""

    async def fsck(self, *, repair: bool = False, batch: int = 1_000, start: str | None = None) -> FsckReport:
        """Look through all stores for references that do not hold; with ``repair``, set right what can be."""
        ...

    async def close(self) -> None:
        """Close the stores."""
