"""Collections that move to another store while sessions write them: as much as a session must know of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from holdall.errors import Reserved
from holdall.query import Value

__all__ = ["Relocating"]


class Relocating(Protocol):
    """All that this process knows of moves of collections. Example: :class:`Binding`."""

    def notes(self, batches: Sequence[Value]) -> list[Value]:
        """Return the notes that are to be written with these batches, of records of collections that are moving."""
        ...

    def is_noted(self, collection: str) -> bool:
        """Whether each change of a record of this collection is noted by its key."""
        ...

    @property
    def is_due(self) -> bool:
        """Whether it is time to ``look``."""
        ...

    async def look(self) -> None:
        """Learn what moves and what has moved, unless this was looked at a moment ago.

        Raises StateError where a collection lies in a store that the application does not know.
        """
        ...

    async def learn(self, refusal: Reserved) -> bool:
        """Learn why a fence refused a commit; whether the commit can be tried anew. Raises StateError as ``look``."""
        ...
