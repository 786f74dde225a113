"""Reports of moves: how far each is, and what a collection would lose."""

from __future__ import annotations

import msgspec

from holdall.app.moving.fitness import Loss

__all__ = ["MoveReport"]


class MoveReport(msgspec.Struct, frozen=True):
    """A collection on its way from one store to another.

    ``state`` is planned (nothing was written), copying, following, moved, cancelled or ended. ``copied`` are the
    records that were read in the order of keys, ``followed`` the notes of changes that were caught up with,
    ``compared`` the records that were compared, value by value. For ``pause`` seconds all writers of the collection
    waited. ``records`` is how many there were when it was planned, where the store counts them. ``batch`` is how many
    records go together now: fewer than were asked for where a store refused as many, or did not do them in its time.

    >>> print(MoveReport("song", "main", "shop", "moved", 100, 7, 103, 0.02, ()))
    song: main -> shop, moved; 100 copied, 7 changes followed, 103 compared, writers waited 0.02 s
    """

    collection: str
    source: str
    target: str
    state: str
    copied: int = 0
    followed: int = 0
    compared: int = 0
    pause: float = 0.0
    losses: tuple[Loss, ...] = ()
    records: int | None = None
    batch: int | None = None

    @property
    def is_moved(self) -> bool:
        """Whether all programs find the collection in the target. Example: :class:`MoveReport`."""
        return self.state in ("moved", "ended")

    def __str__(self) -> str:
        told = f"{self.copied} copied, {self.followed} changes followed, {self.compared} compared"
        if self.state == "planned":
            told = "nothing was written" if self.records is None else f"{self.records} records, nothing was written"
        head = f"{self.collection}: {self.source} -> {self.target}, {self.state}; {told}"
        head += f", writers waited {self.pause:.2g} s" if self.pause else ""
        return "\n".join([head, *(f"  loses {each}" for each in self.losses)])
